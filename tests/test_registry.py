"""Every primitive is documented, and its example runs and gives what it says."""

from __future__ import annotations

import importlib
import io
import keyword

import examples
import pytest

from lispe_py import LispE, libraries
from lispe_py.registry import Entry, registry

LispE()


def _entries() -> list[Entry]:
    for package in dict.fromkeys(libraries.LIBRARIES.values()):
        importlib.import_module(package).load()
    return registry.entries()


ENTRIES = _entries()
#: those of the libraries that are loaded when they are used
LATE = [e for e in ENTRIES if e.function.__module__.startswith("lispe_py.primitives")]


def _listed(faults: list[str]) -> None:
    if faults:
        pytest.fail("\n".join([f"{len(faults)} of {len(ENTRIES)}:", *faults]), pytrace=False)


def test_every_entry_has_a_summary() -> None:
    _listed([e.name for e in ENTRIES if not e.summary])


def test_summaries_are_one_short_line() -> None:
    _listed([f"{e.name}: {e.summary}" for e in ENTRIES if len(e.summary) > 100])


def test_every_entry_has_an_example() -> None:
    _listed([e.name for e in ENTRIES if not e.example])


def test_examples_say_what_they_give() -> None:
    _listed([e.name for e in ENTRIES if e.example and "\n;" not in e.example])


def test_examples_give_what_they_say() -> None:
    faults = []
    for entry in ENTRIES:
        fault = examples.fault(entry.example)
        if fault:
            faults.append(f"{entry.name}: {fault}")
    _listed(faults)


def test_parameters_are_names_of_the_language() -> None:
    faults = [
        f"{e.name}: {p.name}"
        for e in ENTRIES
        for p in e.parameters
        if p.name.startswith("_") or keyword.iskeyword(p.name)
    ]
    _listed(faults)


def test_capabilities_are_known() -> None:
    from lispe_py.interpreter import CAPABILITIES

    _listed([f"{e.name}: {e.needs}" for e in ENTRIES if not set(e.needs) <= CAPABILITIES])


def test_names_are_known_before_a_library_is_loaded() -> None:
    known = libraries.index()
    ours = {n for e in LATE for n in (e.name, *e.aliases)}
    _listed(sorted(ours ^ set(known)))


def test_descriptions_without_importing_are_those_of_the_entries() -> None:
    described = libraries.described("lispe_py.primitives")
    faults = []
    for entry in LATE:
        if described.get(entry.name, ("", ""))[1] != entry.summary:
            faults.append(f"{entry.name}: {described.get(entry.name)}")
    _listed(faults)


def test_arity_is_checked_for_every_entry() -> None:
    """A wrong number of arguments is an error of the user, never ours.

    The functions of the language's libraries take no notice of what is given beyond.
    """
    from lispe_py import LispError
    from lispe_py.names import LIBRARY_FUNCTIONS

    lisp = LispE(stdout=io.StringIO(), stderr=io.StringIO())
    faults = []
    for entry in ENTRIES:
        counts = [entry.least - 1] if entry.least else []
        if entry.most is not None and entry.name not in LIBRARY_FUNCTIONS:
            counts.append(entry.most + 1)
        for count in counts:
            text = f"({entry.name} {' '.join(['nil'] * count)})"
            try:
                lisp.eval(text)
                faults.append(f"{text}: no error")
            except LispError:
                continue
            except Exception as error:
                faults.append(f"{text}: {error!r}")
    _listed(faults)

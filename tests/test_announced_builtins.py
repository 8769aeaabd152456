"""Built-ins are imported when a program uses them; until then their names are known."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
from lispe_py import LispE
from lispe_py.registry import registry

lisp = LispE()
announced = set(registry.names())
assert lisp.eval("(+ 1 1)") == 2
for module in ("dates", "system", "regex", "random", "shapes"):
    assert f"lispe_py.builtins.{module}" not in sys.modules, module
entries = registry.entries()
assert set(registry.names()) == announced, set(registry.names()) ^ announced
assert {name for e in entries for name in (e.name, *e.aliases)} == announced
assert all(registry.get(name) is not None for name in announced)
assert "no_such_name" not in registry and registry.get("no_such_name") is None
"""


def test_names_are_known_before_their_modules_are_imported() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

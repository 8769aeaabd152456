"""What the README and the other pages show is what happens."""

from __future__ import annotations

import doctest
import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from examples import fault

from lispe_py import LispE
from lispe_py.repl.session import Session
from lispe_py.reporting import text_of

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("*/README.md"))]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def transcripts() -> list[list[tuple[str, str]]]:
    """The prompt sessions: entries, and what follows each of them."""
    found = []
    for block in blocks(README, ""):
        if re.search(r"^> ", block, re.MULTILINE):
            parts = re.split(r"^> ", block, flags=re.MULTILINE)[1:]
            entries = []
            for part in parts:
                lines = part.split("\n")
                entry = [lines.pop(0)]
                while lines and lines[0].startswith(".. "):
                    entry.append(lines.pop(0)[3:])
                entries.append(("\n".join(entry), "\n".join(lines)))
            found.append(entries)
    return found


def test_sessions_at_the_prompt() -> None:
    sessions = transcripts()
    assert sessions
    out = io.StringIO()
    for entries in sessions:
        session = Session(
            LispE(stdout=out, stderr=out), lambda error, texts: out.write(text_of(error, texts))
        )
        for entry, expected in entries:
            out.seek(0)
            out.truncate()
            assert session.enter(entry, out.write) is None
            assert out.getvalue().rstrip() == expected.rstrip(), entry


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_lisp_in_the_pages(page: Path) -> None:
    """The ``lisp`` blocks of a page are one program; comments give its results."""
    assert fault("\n\n".join(blocks(page.read_text(encoding="utf-8"), "lisp"))) is None


def test_python_in_the_pages() -> None:
    """The ``python`` sessions of a page are one session."""
    tried = 0
    for page in PAGES:
        sessions = [b for b in blocks(page.read_text(encoding="utf-8"), "python") if ">>>" in b]
        test = doctest.DocTestParser().get_doctest("\n".join(sessions), {}, page.name, str(page), 0)
        runner = doctest.DocTestRunner()
        shown: list[str] = []
        runner.run(test, out=shown.append)
        assert not runner.failures, "".join(shown)
        tried += runner.tries
    assert tried


def test_commands_are_understood(tmp_path: Path) -> None:
    """Every ``lispe`` line of the README runs, with a file where it has FILE."""
    script = tmp_path / "script.lisp"
    script.write_text("(println (size _args))\n", encoding="utf-8")
    lines = re.findall(r"^lispe (.*?)(?:   .*)?$", README, re.MULTILINE)
    assert len(lines) >= 4
    for line in lines:
        words = shlex.split(line.replace("FILE", str(script)).replace("[ARGUMENTS]", "a b"))
        done = subprocess.run(
            [sys.executable, "-m", "lispe_py", *words], input="", capture_output=True, text=True
        )
        assert (done.returncode, done.stderr) == (0, ""), line


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"\]\(([^)#:]+)\)", text)
    targets += re.findall(
        r"`((?:lispe_py|primitives|tests|benchmarks|docs|lisp_examples)/[^`*\s]*)`", text
    )
    for target in targets:
        assert (page.parent / target).exists() or (ROOT / target).exists(), target


def test_make_has_what_the_readme_names() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"make ([a-z]+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target

"""The example programs on models, positions and the whole transformer verify themselves."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from lispe_py import LispE, LispError

EXAMPLES = Path(__file__).parent.parent / "lisp_examples"


@pytest.mark.parametrize(
    ("name", "verified"),
    [("test_model_loading", 21), ("test_pe_minimal", 8), ("transformer_complet", 5)],
)
def test_example(name: str, verified: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    out = io.StringIO()
    LispE(stdout=out, stderr=io.StringIO()).execute(EXAMPLES / f"{name}.lisp", [str(tmp_path)])
    lines = out.getvalue().splitlines()
    assert lines[-1] == "all of it holds"
    assert sum(line.startswith("ok  ") for line in lines) == verified


def test_digits(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    out = io.StringIO()
    script = EXAMPLES / "mlp_digits.lisp"
    LispE(stdout=out, stderr=io.StringIO()).execute(script, [str(tmp_path)])
    lines = out.getvalue().splitlines()
    assert lines[-1] == "all of it holds"
    assert sum(line.startswith("ok  ") for line in lines) == 7
    assert (tmp_path / "digits.pt").exists()


def test_digits_without_their_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn", None)
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(LispError, match="pip install scikit-learn"):
        LispE(stdout=io.StringIO()).execute(EXAMPLES / "mlp_digits.lisp")


def test_an_example_fails_loudly(tmp_path: Path) -> None:
    lisp = LispE(stdout=io.StringIO())
    with pytest.raises(LispError, match="cannot write"):
        lisp.execute(EXAMPLES / "test_model_loading.lisp", [str(tmp_path / "nowhere")])

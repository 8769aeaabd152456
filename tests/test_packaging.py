"""The wheel: what is in it, and that it runs from a fresh environment and another folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # From a copy of the sources: a build leaves folders beside them.
    source = folder / "source"
    ignored = shutil.ignore_patterns(
        ".*", "build", "dist", "*.egg-info", "__pycache__", "tests", "demo-output"
    )
    shutil.copytree(ROOT, source, ignore=ignored)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-w", str(folder), str(source)], check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_contents(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    code = [n for n in names if ".dist-info/" not in n]
    assert {n for n in code if not n.startswith("lispe_py/")} == {"pylispe.py"}
    assert "lispe_py/grammar.lark" in code
    assert "lispe_py/py.typed" in code
    ours = {f"lispe_py/{p.relative_to(ROOT / 'lispe_py')}" for p in ROOT.glob("lispe_py/**/*.py")}
    torch = {f"lispe_py/{p.relative_to(ROOT)}" for p in ROOT.glob("primitives/**/*.py")}
    assert {n for n in code if n.endswith(".py")} == {"pylispe.py"} | ours | torch
    assert any(n.endswith("LICENSE") for n in names)


def test_runs_from_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    """Only the wheel is installed; what it depends on comes from the running environment."""
    home = tmp_path / "env"
    venv.create(home, with_pip=False, symlinks=os.name != "nt")
    folder = "Scripts" if os.name == "nt" else "bin"
    python = str(home / folder / "python")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps",
         "--no-index", str(wheel)],
        check=True, capture_output=True,
    )  # fmt: skip
    paths = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    # A path alone: .pth files in there, that of a checkout among them, are not read.
    Path(paths.stdout.strip(), "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "script.lisp").write_text(
        "(println (+ 1 2) _args)\n(println (torch_add (torch_tensor (floats 1 2)) 1))\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [str(home / folder / "lispe"), "script.lisp", "x"],
        cwd=elsewhere, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ('3 ("x")\n(2 3)\n', "")
    where = subprocess.run(
        [python, "-c", "import lispe_py.primitives as p; print(p.__file__)"],
        cwd=elsewhere, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert where.stdout.startswith(str(home))

"""The picture of the prompt: what is drawn of a screen."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

PICTURES = Path(__file__).parent.parent / "docs/make_pictures.py"


@pytest.fixture(scope="module")
def pictures() -> ModuleType:
    for needed in ("pexpect", "pyte"):
        pytest.importorskip(needed)
    spec = importlib.util.spec_from_file_location("make_pictures", PICTURES)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_runs_of_one_look_are_one_text(pictures: ModuleType) -> None:
    import pyte

    screen = pyte.Screen(20, 2)
    pyte.Stream(screen).feed("> (\x1b[32mcar\x1b[0m 'a&b)\r\n\x1b[1;31mError:\x1b[0m <\x1b[7m!")
    root = ElementTree.fromstring(pictures.svg(screen))
    texts = [node for node in root if node.tag.endswith("text")]
    assert [(node.text or "").rstrip() for node in texts] == [
        "> (", "car", " 'a&b)", "Error:", " <", "!",
    ]  # fmt: skip
    assert [node.get("fill") for node in texts] == [
        pictures.INK, pictures.COLOURS["green"], pictures.INK, pictures.COLOURS["red"],
        pictures.INK, pictures.GROUND,
    ]  # fmt: skip
    assert [node.get("font-weight") for node in texts] == [None, None, None, "bold", None, None]
    # Columns and rows are where the terminal has them.
    assert float(texts[1].get("x", 0)) == pytest.approx(pictures.WIDTH * 4)
    assert float(texts[3].get("y", 0)) - float(texts[0].get("y", 0)) == pictures.HEIGHT


def test_the_picture_is_of_these_entries(pictures: ModuleType) -> None:
    """Whoever changes an entry makes the picture anew (``make pictures``)."""
    drawn = ElementTree.parse(PICTURES.parent / "pictures/prompt.svg").getroot()
    shown = "".join("".join(node.itertext()) for node in drawn).replace(" ", "").replace("..", "")
    for entry in (*pictures.ENTRIES, pictures.LAST):
        assert entry.replace(" ", "").replace("\r", "") in shown

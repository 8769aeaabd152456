"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import corpus
import pytest

# Tiny tensors are computed faster by one thread than by several.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def cache_of_compiled_files(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is compiled is kept for this session, and not in the folder of the user."""
    os.environ["LISPE_CACHE"] = str(tmp_path_factory.mktemp("user") / "cache")


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Folders of tiny models, by the global that the torch cases know them by."""
    return corpus.make_models(Path(tmp_path_factory.mktemp("models")))

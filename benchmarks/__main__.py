"""``python -m benchmarks [core] [start] [tensors] [training]``: all of them by default."""

from __future__ import annotations

import importlib
import os
import platform
import sys

from benchmarks.harness import heading, table

PARTS = {
    "core": "The language",
    "start": "Start",
    "tensors": "Tensors",
    "training": "Training",
}


def main(names: list[str]) -> None:
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        sys.exit(f"there is no benchmark {unknown[0]}; there are {', '.join(PARTS)}")
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, best of several turns")
    for name in names or PARTS:
        module = importlib.import_module(f"benchmarks.{name}")
        heading(PARTS[name])
        if hasattr(module, "report"):
            module.report()
        else:
            table(module.results())


if __name__ == "__main__":
    main(sys.argv[1:])

"""What Jupyter reads to know of the kernel and to start it.

Source: jupyter_client, "Kernel specs",
https://jupyter-client.readthedocs.io/en/stable/kernels.html
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from typing import Any

NAME = "lispe"


def specification() -> dict[str, Any]:
    """The contents of ``kernel.json``.

    An interrupt comes as a message, which ends the evaluation and nothing else, on
    every system; a signal (Ctrl-C) does too.
    """
    return {
        "argv": [sys.executable, "-m", "lispe_py.jupyter", "-f", "{connection_file}"],
        "display_name": "LispE",
        "language": NAME,
        "interrupt_mode": "message",
        "metadata": {"debugger": False},
    }


def install_specification(prefix: str | None) -> str:
    """Write it below a prefix, or into the user's folder of Jupyter; the folder made.

    Raises:
        OSError: the folder cannot be written.
    """
    from jupyter_client.kernelspec import KernelSpecManager

    with tempfile.TemporaryDirectory() as folder:
        # Jupyter copies the folder with its permissions: others may read it.
        os.chmod(folder, 0o755)
        with open(os.path.join(folder, "kernel.json"), "w", encoding="utf-8") as stream:
            json.dump(specification(), stream, indent=1)
        manager = KernelSpecManager()
        return str(manager.install_kernel_spec(folder, NAME, user=prefix is None, prefix=prefix))

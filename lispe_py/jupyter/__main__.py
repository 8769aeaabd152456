"""``python -m lispe_py.jupyter install``, and the kernel that Jupyter starts."""

from __future__ import annotations

import argparse
import sys


def main(words: list[str]) -> int:
    """Install the kernel's description, or run the kernel; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m lispe_py.jupyter", description="LispE as a kernel of Jupyter."
    )
    parser.add_argument(
        "-f", metavar="CONNECTION", help="run the kernel, with this file of ports and keys"
    )
    commands = parser.add_subparsers(dest="command", metavar="install")
    install = commands.add_parser("install", help="tell Jupyter of this kernel")
    where = install.add_mutually_exclusive_group()
    where.add_argument("--user", action="store_true", help="for you, in all environments")
    where.add_argument(
        "--prefix", metavar="DIR", default=sys.prefix, help="in an environment (default: this one)"
    )
    options = parser.parse_args(words)
    if options.command is None and options.f is None:
        parser.error("give install, or -f CONNECTION")
    try:
        if options.f is not None:
            from lispe_py.jupyter.kernel import run

            run(options.f)
            return 0
        from lispe_py.jupyter.specification import install_specification

        print(install_specification(None if options.user else options.prefix))
        return 0
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("ipykernel", "jupyter_client"):
            raise
        print("the kernel needs ipykernel: pip install 'lispe-py[jupyter]'", file=sys.stderr)
    except OSError as error:
        print(f"cannot install the kernel: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

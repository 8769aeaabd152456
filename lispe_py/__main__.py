"""``python -m lispe_py`` is the command ``lispe``."""

import sys

from lispe_py.cli import main

if __name__ == "__main__":
    sys.exit(main())

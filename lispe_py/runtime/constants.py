"""The numbers that have a name."""

from __future__ import annotations

import math

#: Name -> value, both spellings of each.
CONSTANTS: dict[str, float] = {
    **dict.fromkeys(("_pi", "π"), math.pi),
    **dict.fromkeys(("_tau", "τ"), math.tau),
    **dict.fromkeys(("_e", "ℯ"), math.e),
    **dict.fromkeys(("_phi", "ϕ"), (1 + math.sqrt(5)) / 2),
}

"""How many random examples a property test tries; ``make fuzz`` multiplies the number by $TENURE_FUZZ."""

from __future__ import annotations

import os

TIMES = int(os.environ.get("TENURE_FUZZ", "1"))
IN_THE_GATE = TIMES == 1


def examples(count: int = 100) -> int:
    """What to give to hypothesis' ``max_examples`` for this many in the gate."""
    return count * TIMES

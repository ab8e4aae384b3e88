"""Counts every resource that the shop's own code acquired, so that a tracer's records can be checked against it.

``entered`` is the first statement of every ``async with`` block of the shop, and follows every call that opens a
resource which another call closes. Python guarantees that every block that was entered is left.
"""

import json
import sys
from collections import Counter

_entered: Counter[str] = Counter()


def entered(expression: str) -> None:
    """Count one entry of the calling function's ``async with`` over this expression, or one call of it."""
    function = sys._getframe(1).f_code.co_qualname  # noqa: SLF001  the only way to the caller
    _entered[f"{function}: {expression}"] += 1


def handled(route: str) -> None:
    """Count one request for which a handler of the shop or of the bank was called."""
    _entered[f"request: {route}"] += 1


def as_json() -> str:
    """Return the counts so far, ``{"Stock.reserve: self.stock_lock": 12, ...}``."""
    return json.dumps(dict(sorted(_entered.items())), indent=2)

"""What Tenure raises.

    TenureError          anything that Tenure raises of its own
    └── UsageError       what was asked for cannot be done: a command line, a path, a URL, a missing package

The program under trace sees neither: a fault of the tracing itself is logged and counted
(``tenure._core.faults.fault``).
"""

from __future__ import annotations


class TenureError(Exception):
    """Anything that Tenure raises of its own."""


class UsageError(TenureError):
    """What was asked for cannot be done; says what, with the values, and the remedy in brackets."""

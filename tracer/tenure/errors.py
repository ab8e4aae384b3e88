"""What Tenure raises.

    TenureError          every exception that Tenure defines
    └── UsageError       a request cannot be carried out: a command line, a path, a URL, a missing package

The traced program sees neither: a fault in the tracing itself is logged and counted (``tenure._core.faults.fault``).
"""

from __future__ import annotations


class TenureError(Exception):
    """The base of the exceptions that Tenure defines."""


class UsageError(TenureError):
    """A request cannot be carried out; the message has the values, and the remedy in brackets."""

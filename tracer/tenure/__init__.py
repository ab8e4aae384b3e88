"""Tenure shows what an asyncio program is holding.

tenure run app.py                          from outside, with no change in the program
tenure.install()                           the same from code, for what is imported afterwards
async with tenure.track(pool, "orders"):   one context manager, by name
@tenure.tracked                            every object of a class
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as _version

from tenure.errors import TenureError, UsageError
from tenure.session import install, uninstall
from tenure.tracking import track, tracked

try:
    __version__ = _version("tenure")
except PackageNotFoundError:  # used from a source tree that is not installed
    __version__ = "0"

__all__ = ["TenureError", "UsageError", "__version__", "install", "track", "tracked", "uninstall"]

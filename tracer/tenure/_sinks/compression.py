"""Compresses what goes to another machine: zstd, where the interpreter has it or ``tenure[zstd]`` brings it.

Nothing else: gzip costs the program more than all the rest of shipping.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tenure._core import late_imports

ENCODING = "zstd"
SMALLEST = 1_000  # bytes that are worth it
_LEVEL = 1
_MODULE = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"


def compressor() -> Callable[[bytes], bytes] | None:
    """Find the function that compresses; None: there is none here."""
    try:
        compress: Callable[[bytes, int], bytes] = late_imports.module(_MODULE).compress
    except (ImportError, AttributeError):
        return None
    return lambda data: compress(data, _LEVEL)

"""Which reader of spans serves: the extension ``_scan``, or its reference in Python, ``scan_pure``.

The extension serves where it was built. One that an earlier installation left behind was built for other Python code;
its LAYOUT tells.
"""

from __future__ import annotations

import importlib

LAYOUT = 2  # the interface with the extension that this code knows; the same number stands in server/native/module.c
_EXTENSION = f"{__package__}._scan"


def _choose() -> tuple[bool, str]:
    """Whether the extension serves, and what is wrong with the one that was found."""
    try:
        found = getattr(importlib.import_module(_EXTENSION), "LAYOUT", 1)  # 0.1 had no number
    except ImportError as error:
        was_not_built = isinstance(error, ModuleNotFoundError) and error.name == _EXTENSION
        return False, "" if was_not_built else str(error)
    except AttributeError as error:  # it looks for something that this version does not have
        return False, str(error)
    if found == LAYOUT:
        return True, ""
    return False, f"it was built from another version (interface {found}, this version has {LAYOUT})"


SERVES, _problem = _choose()
notice = _problem and (
    f"the compiled reader of spans cannot serve: {_problem}; the slower one in Python reads"
    " (reinstall tenure-server: pip install --force-reinstall tenure-server; in a checkout: make setup)"
)

if SERVES:
    from tenure_server.ingest.otlp._scan import prepare, scan
else:  # what either prepares only its own scan understands
    from tenure_server.ingest.otlp.scan_pure import prepare, scan  # type: ignore[assignment]

__all__ = ["LAYOUT", "SERVES", "notice", "prepare", "scan"]

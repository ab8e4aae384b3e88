"""Chooses the reader of spans: the extension ``_scan`` or, if it was not built, its reference ``scan_pure``.

An extension that an earlier installation left behind was built for other Python code; its LAYOUT is another number.
"""

from __future__ import annotations

import importlib

LAYOUT = 3  # the version of the interface with the extension; server/native/module.c has the same number
_EXTENSION = f"{__package__}._scan"


def _choose() -> tuple[bool, str]:
    """Whether the extension can be used, and the problem with the one that is installed."""
    try:
        layout = getattr(importlib.import_module(_EXTENSION), "LAYOUT", 1)  # 0.1 had no number
    except ImportError as error:
        was_not_built = isinstance(error, ModuleNotFoundError) and error.name == _EXTENSION
        return False, "" if was_not_built else str(error)
    except AttributeError as error:  # it uses a name that this version does not have
        return False, str(error)
    if layout == LAYOUT:
        return True, ""
    return False, f"it was built from another version (interface {layout}, this version has {LAYOUT})"


SERVES, _problem = _choose()
notice = _problem and (
    f"the compiled reader of spans cannot serve: {_problem}; the slower one in Python reads"
    " (reinstall tenure-server: pip install --force-reinstall tenure-server; in a checkout: make setup)"
)

if SERVES:
    from tenure_server.ingest.otlp._scan import prepare, scan
else:  # what ``prepare`` answers is valid only for the ``scan`` of the same module
    from tenure_server.ingest.otlp.scan_pure import prepare, scan  # type: ignore[assignment]

__all__ = ["LAYOUT", "SERVES", "notice", "prepare", "scan"]

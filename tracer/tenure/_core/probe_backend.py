"""Which probe serves: the extension ``tenure._probe``, or its twin in Python (``tenure._probe_api.pure_probe``).

The extension serves where it was built, in the main interpreter and with the GIL: loading it into an interpreter
without one would switch the GIL on. $TENURE_PROBE, "native" or "python", chooses.

An extension that an earlier installation left behind was built for other Python code: called by this code, it could
crash the program. Its LAYOUT shows that.
"""

from __future__ import annotations

import importlib
import os
import sys

LAYOUT = 4  # the interface with the extension that this code knows; the same number stands in tracer/native/module.c
_CHOICES = "native", "python"


def _problem_of_extension() -> tuple[str, str]:
    """Why the extension cannot serve, and the remedy; ("", "") where it can."""
    try:
        extension = importlib.import_module("tenure._probe")
    except ImportError as error:
        return str(error), "install a C compiler, then reinstall tenure"
    layout = getattr(extension, "LAYOUT", 1)  # 0.1 had no number
    if layout == LAYOUT:
        return "", ""
    return f"it was built from another version (interface {layout}, this version has {LAYOUT})", _REINSTALL


_REINSTALL = "reinstall tenure: pip install --force-reinstall tenure; in a checkout: make setup"


def _has_gil() -> bool:
    ask = getattr(sys, "_is_gil_enabled", None)  # from 3.13 on
    return ask is None or bool(ask())


def _choose(wanted: str) -> tuple[bool, str, str]:
    """Whether the extension serves, the error in what was wanted, and a notice for the user."""
    if wanted and wanted not in _CHOICES:
        return False, f"invalid TENURE_PROBE {wanted!r} (set it to native or python, or unset it)", ""
    if wanted == "python" or (not wanted and not _has_gil()):
        return False, "", ""
    problem, remedy = _problem_of_extension()
    if problem and wanted:
        return False, f"the native probe cannot be loaded: {problem} ({remedy})", ""
    if remedy is _REINSTALL:
        return False, "", f"the native probe cannot be loaded: {problem}; the slower Python probe records ({remedy})"
    return not problem, "", ""


SERVES, problem, notice = _choose(os.environ.get("TENURE_PROBE", ""))
NAME = "native" if SERVES else "python"

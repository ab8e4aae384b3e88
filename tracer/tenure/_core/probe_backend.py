"""Which probe serves: the extension ``tenure._probe``, or its twin in Python (``tenure._probe_api.pure_probe``).

The extension serves where it was built, in the main interpreter, and in interpreters with the GIL: loading it into one
without would switch the GIL on, and the program would not be as it was. $TENURE_PROBE, "native" or "python", chooses.
"""

from __future__ import annotations

import importlib
import os
import sys

_CHOICES = "native", "python"


def _problem_of_extension() -> str:
    """Why the extension cannot be imported; "" where it can."""
    try:
        importlib.import_module("tenure._probe")
    except ImportError as error:
        return str(error)
    return ""


def _has_gil() -> bool:
    ask = getattr(sys, "_is_gil_enabled", None)  # from 3.13 on
    return ask is None or bool(ask())


def _choose(wanted: str) -> tuple[bool, str]:
    """Whether the extension serves, and what is wrong with what was wanted."""
    if wanted and wanted not in _CHOICES:
        return False, f"invalid TENURE_PROBE {wanted!r} (set it to native or python, or unset it)"
    if wanted == "python" or (not wanted and not _has_gil()):
        return False, ""
    problem = _problem_of_extension()
    if problem and wanted:
        return False, f"the native probe cannot be loaded: {problem} (install a C compiler, then reinstall tenure)"
    return not problem, ""


SERVES, problem = _choose(os.environ.get("TENURE_PROBE", ""))
NAME = "native" if SERVES else "python"

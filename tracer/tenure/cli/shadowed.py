"""Modules of the program that have the name of one of the standard library, for example ``email`` beside the script.

Without Tenure the program's ``import email`` takes its own file. Tenure has imported the standard library's before, so
that one leaves ``sys.modules`` before the program runs. Tenure keeps the modules that it has, and those it needs later.
"""

from __future__ import annotations

import importlib.machinery
import os
import sys
from contextlib import suppress

from tenure._core import faults, late_imports

# The interpreter has these before it runs a program, or works with them itself.
_INTERPRETER = {"abc", "codecs", "encodings", "genericpath", "importlib", "io", "ntpath", "os", "posixpath", "runpy"}
_INTERPRETER |= {"site", "stat", "threading", "zipimport", *sys.builtin_module_names}


def give_way(directory: str) -> None:
    """Let the program import its own modules of this directory, the first of its ``sys.path``."""
    try:
        _give_way(directory)
    except Exception as error:  # noqa: BLE001  # then the program gets the standard library's
        faults.fault("letting the program import its own modules", error)


def _give_way(directory: str) -> None:
    if sys.flags.safe_path:
        return
    names = _shadowing(directory) & (sys.stdlib_module_names - _INTERPRETER)
    if not names:
        return
    late_imports.keep()
    for module in list(sys.modules):
        if module.partition(".")[0] in names:
            del sys.modules[module]


def _shadowing(directory: str) -> set[str]:
    """The names that can be imported from this directory: of modules, and of packages with an ``__init__``."""
    names = set()
    suffixes = tuple(importlib.machinery.all_suffixes())
    with suppress(OSError), os.scandir(directory or ".") as entries:
        for entry in entries:
            if entry.name.endswith(suffixes):
                names.add(entry.name.partition(".")[0])
            elif entry.name in sys.stdlib_module_names and _is_package(entry.path, suffixes):
                names.add(entry.name)
    return names


def _is_package(path: str, suffixes: tuple[str, ...]) -> bool:
    return any(os.path.isfile(os.path.join(path, f"__init__{suffix}")) for suffix in suffixes)  # noqa: PTH113, PTH118

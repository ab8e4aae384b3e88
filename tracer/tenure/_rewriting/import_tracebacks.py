"""Keeps Tenure's frames out of the tracebacks of failing imports.

Python removes its import system's frames from a traceback by the names of their file and function: all of them from
that of an ImportError, and from any other those that lead to ``_call_with_frames_removed`` (``remove_importlib_frames``
in CPython's import.c). Tenure's functions that take part in importing get these names. If an interpreter uses other
names, the frames are visible, and nothing else changes.
"""

from __future__ import annotations

import importlib.machinery
from collections.abc import Callable
from importlib import _bootstrap
from types import FrameType
from typing import TypeVar

_F = TypeVar("_F", bound=Callable[..., object])
_FILE = importlib.machinery.SourceFileLoader.get_code.__code__.co_filename


def as_import_frame(function: _F) -> _F:
    """Make the function's frame look like one of the import system."""
    return _renamed(function, function.__name__)


def as_import_boundary(function: _F) -> _F:
    """Remove the function's frame, and the import system's frames that led to it, from what it raises itself."""
    return _renamed(function, "_call_with_frames_removed")


_SEARCH = getattr(getattr(_bootstrap, "_find_spec", None), "__code__", None)
_IMPORT = getattr(getattr(_bootstrap, "_find_and_load_unlocked", None), "__code__", None)


def _renamed(function: _F, name: str) -> _F:
    function.__code__ = function.__code__.replace(co_filename=_FILE, co_name=name)
    return function


@as_import_frame
def raise_not_found(name: str, caller: FrameType) -> None:
    """End a failed import after Tenure's finder has called all later finders, so that none is called twice.

    ``caller`` is the frame that called the finder.

    Raises:
        ModuleNotFoundError: as the import system would raise it, if the caller is the import system.
    """
    importer = caller.f_back
    if caller.f_code is _SEARCH and importer is not None and importer.f_code is _IMPORT:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

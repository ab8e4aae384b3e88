"""Frames of ours that a program would otherwise meet in the tracebacks of its failing imports.

Python cuts its import system's frames out of a traceback by the names of their file and function: all of them out of an
ImportError's, and out of any other's those that lead to ``_call_with_frames_removed`` (``remove_importlib_frames`` in
CPython's import.c). What takes part in importing is given those names; where an interpreter goes by others, its frames
are merely seen.
"""

from __future__ import annotations

import importlib.machinery
from collections.abc import Callable
from importlib import _bootstrap
from types import FrameType
from typing import TypeVar

_F = TypeVar("_F", bound=Callable[..., object])
_FILE = importlib.machinery.SourceFileLoader.get_code.__code__.co_filename


def importing(function: _F) -> _F:
    """Its frame is the import system's."""
    return _renamed(function, function.__name__)


def called_by_importing(function: _F) -> _F:
    """Its frame, and those of the import system that led to it, are left out of what it raises itself."""
    return _renamed(function, "_call_with_frames_removed")


_SEARCH = getattr(getattr(_bootstrap, "_find_spec", None), "__code__", None)
_IMPORT = getattr(getattr(_bootstrap, "_find_and_load_unlocked", None), "__code__", None)


def _renamed(function: _F, name: str) -> _F:
    function.__code__ = function.__code__.replace(co_filename=_FILE, co_name=name)
    return function


@importing
def give_up(name: str, caller: FrameType) -> None:
    """Every finder was asked, by a finder of ours that this frame calls: let nobody be asked once more.

    Raises:
        ModuleNotFoundError: in the import system's words, where it would raise it once all had been asked.
    """
    importer = caller.f_back
    if caller.f_code is _SEARCH and importer is not None and importer.f_code is _IMPORT:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

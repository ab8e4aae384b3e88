"""Frames of ours that a program would otherwise meet in the tracebacks of its failing imports.

Python cuts its import system's frames out of a traceback by the names of their file and function: all of them out of an
ImportError's, and out of any other's those that lead to ``_call_with_frames_removed`` (``remove_importlib_frames`` in
CPython's import.c). What takes part in importing is given those names; where an interpreter goes by others, its frames
are merely seen.
"""

from __future__ import annotations

import importlib.machinery
from collections.abc import Callable
from typing import TypeVar

_F = TypeVar("_F", bound=Callable[..., object])
_FILE = importlib.machinery.SourceFileLoader.get_code.__code__.co_filename


def importing(function: _F) -> _F:
    """Its frame is the import system's."""
    return _renamed(function, function.__name__)


def called_by_importing(function: _F) -> _F:
    """Its frame, and those of the import system that led to it, are left out of what it raises itself."""
    return _renamed(function, "_call_with_frames_removed")


def _renamed(function: _F, name: str) -> _F:
    function.__code__ = function.__code__.replace(co_filename=_FILE, co_name=name)
    return function

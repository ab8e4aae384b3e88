"""Imports what only shipping needs, when the first batch is shipped: a process that records nothing does without it.

By then the program has its own ``sys.path``, on which a module named ``email`` may stand before the standard library.
So such an import searches where Python searched when recording began, and asks no finder of the program.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import sys
from collections.abc import Sequence
from contextlib import suppress
from threading import get_ident
from types import ModuleType

_path = sys.path[:]
_imported: list[str] = []
_SHIPPING = (
    "tenure.wire",
    "tenure._assembly.ledger",
    "tenure._assembly.program_watch",
    "http.client",
    "json",
    "random",
    "email.utils",
)
_kept: dict[str, ModuleType] = {}


class _Finder:
    """The first finder of ``sys.meta_path``, for one thread, while it imports."""

    def __init__(self) -> None:
        self._thread = get_ident()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return None to every other thread, and where the module is not a file on the path."""
        if get_ident() != self._thread:
            return None
        return importlib.machinery.PathFinder.find_spec(fullname, _path if path is None else path, target)


def count() -> int:
    """How many modules were imported so far."""
    return len(_imported)


def keep_interrupt() -> None:
    """Let Python end by SIGINT, as it does after a KeyboardInterrupt that nobody caught.

    Python forgets that it has to when a text is evaluated meanwhile, and ``namedtuple`` evaluates one.
    """
    if getattr(sys, "last_type", None) is KeyboardInterrupt:
        with suppress(KeyboardInterrupt):
            exec("raise KeyboardInterrupt")  # noqa: S102


def keep() -> None:
    """Import now what shipping needs: the program has a module with the name of one of the standard library."""
    _kept.update((name, module(name)) for name in _SHIPPING)


def module(name: str) -> ModuleType:
    """The module of this name, imported if it was not.

    Raises:
        ImportError: as ``import`` does.
    """
    imported = _kept.get(name) or sys.modules.get(name)
    if imported is not None and not getattr(imported.__spec__, "_initializing", False):
        return imported
    _imported.append(name)
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        return importlib.import_module(name)
    finally:
        sys.meta_path[:] = [other for other in sys.meta_path if other is not finder]

"""Calls a function after the program has imported a module, without importing it for the program.

The first finder of ``sys.meta_path`` lets the others find the module and wraps their loader while the module is
executed. Afterwards the module and its spec have their ordinary loader.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import sys
import threading
from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, cast

from tenure._core import faults
from tenure._rewriting.import_tracebacks import as_import_frame, raise_not_found

if TYPE_CHECKING:
    from importlib.abc import Loader  # it takes 5 ms to import, and a loader need not be one

Install = Callable[[ModuleType], None]

_waiting: dict[str, list[Install]] = {}
_searching = threading.local()


def after_import(name: str, install: Install) -> None:
    """Call ``install(module)`` now if the module is imported already, else directly after its import."""
    module = sys.modules.get(name)
    if module is not None and not _is_being_imported(module):
        install(module)
        return
    _waiting.setdefault(name, []).append(install)
    if not any(finder is _finder for finder in sys.meta_path):
        sys.meta_path.insert(0, _finder)


def stop_waiting() -> None:
    """Drop every waiting call and remove the finder."""
    _waiting.clear()
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not _finder]


def loader_of(spec: importlib.machinery.ModuleSpec) -> Loader | None:
    """The loader that the spec would have without us."""
    return spec.loader._loader if isinstance(spec.loader, _Loader) else spec.loader  # noqa: SLF001


def _is_being_imported(module: ModuleType) -> bool:
    return bool(getattr(module.__spec__, "_initializing", False))


class _Finder:
    @as_import_frame
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname not in _waiting or getattr(_searching, "name", None) == fullname:
            return None
        _searching.name = fullname
        try:
            spec = _find_with_later_finders(fullname, path, target)
        finally:
            _searching.name = None
        if spec is None:
            try:
                raise_not_found(fullname, sys._getframe(1))  # noqa: SLF001  # the frame says whether this is an import
            except ModuleNotFoundError:
                raise
            except Exception as error:  # noqa: BLE001  # the import system calls the other finders once more
                faults.fault("giving up an import", error)
        elif spec.loader is not None:
            spec.loader = cast("Loader", _Loader(spec, spec.loader))
        return spec


@as_import_frame
def _find_with_later_finders(
    fullname: str, path: Sequence[str] | None, target: ModuleType | None
) -> importlib.machinery.ModuleSpec | None:
    finders = list(sys.meta_path)
    index = next((index for index, finder in enumerate(finders) if finder is _finder), -1)
    for finder in finders[index + 1 :]:  # the earlier ones were called
        find_spec = getattr(finder, "find_spec", None)
        if find_spec is not None:
            spec: importlib.machinery.ModuleSpec | None = find_spec(fullname, path, target)
            if spec is not None or getattr(type(finder), "delegates_to_later_finders", False):
                return spec
    return None


class _Loader:
    """Executes the module with its own loader, then makes the waiting calls."""

    def __init__(self, spec: importlib.machinery.ModuleSpec, loader: Loader) -> None:
        self._spec, self._loader = spec, loader

    def __getattr__(self, name: str) -> object:
        """What ``runpy`` asks a loader for, where nobody waits for the module; and what each loader inherits."""
        if name == "load_module":
            from importlib.abc import Loader  # noqa: PLC0415  # see above

            return partial(Loader.load_module, cast("Loader", self))
        if name != "get_code":
            raise AttributeError(name)
        self._spec.loader = self._loader
        return self._loader.get_code  # type: ignore[attr-defined]

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    @as_import_frame
    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        module.__loader__ = self._loader
        self._loader.exec_module(module)
        for install in _waiting.pop(module.__name__, ()):
            install(module)


_finder = _Finder()

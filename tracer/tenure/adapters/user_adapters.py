"""Adapters outside Tenure: of a package that is installed, and of the program itself.

A package names its adapters as entry points of the group ``tenure.adapters``:

    [project.entry-points."tenure.adapters"]
    "hotel.rooms" = "hotel_tenure"          the module that is waited for, and the module that has install(module)

A program calls ``tenure.adapter("hotel.rooms", install)``, before or after recording begins. Both are installed after
Tenure's own adapters for the same module. A fault in one of them is logged once, and the others are installed.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple, TypeVar, overload

from tenure._core import faults
from tenure._identify import tracer
from tenure._rewriting import post_import
from tenure._rewriting.post_import import Install

if TYPE_CHECKING:
    from importlib.metadata import Distribution

GROUP = "tenure.adapters"

_I = TypeVar("_I", bound=Install)


class EntryPoint(NamedTuple):
    """An adapter that an installed package has."""

    module: str  # that is waited for
    adapter: str  # "package.module" or "package.module:function"
    distribution: str  # name and version

    @property
    def label(self) -> str:
        """How the log and `tenure doctor` name it."""
        return f"{self.adapter} of {self.distribution}"


_registered: list[tuple[str, Install]] = []  # by the program; they stay for the next recording


@overload
def adapter(module: str, install: Install) -> None: ...
@overload
def adapter(module: str) -> Callable[[_I], _I]: ...


def adapter(module: str, install: Install | None = None) -> Callable[[_I], _I] | None:
    """Call ``install(module)`` in each recording, as soon as the program has imported the module of this name.

    Call it before or after that import, and before or after recording begins; without ``install`` it is a decorator. A
    module that is being imported is waited for only if its import began after recording did. ``tenure.adapters.api`` is
    what ``install`` may use; what it raises is logged, and costs only this adapter.
    """
    if install is not None:
        _register(module, install)
        return None

    def decorate(function: _I) -> _I:
        _register(module, function)
        return function

    return decorate


def install() -> None:
    """Install the adapters of installed packages, then those of the program."""
    try:
        for point in entry_points():
            post_import.after_import(point.module, _installer(point.module, _loading(point), point.label))
    except Exception as error:  # noqa: BLE001  # the metadata of any package may be malformed
        faults.fault(f"reading the entry points {GROUP}", error, "none of them is installed")
    for module, function in _registered:
        post_import.after_import(module, _installer(module, function, _name(function)))


def entry_points() -> list[EntryPoint]:
    """The adapters of installed packages, by the modules that they wait for.

    ``importlib.metadata`` takes some 30 ms, so it is asked only if a package in a folder of ``sys.path`` has the group.
    """
    if not any(_has_group(folder) for folder in sys.path):
        return []
    from importlib import metadata  # noqa: PLC0415  # see above

    points = metadata.entry_points(group=GROUP)
    return sorted(EntryPoint(point.name, point.value, _distribution(point.dist)) for point in points)


def _distribution(distribution: Distribution | None) -> str:
    return f"{distribution.name} {distribution.version}" if distribution is not None else "an unknown package"


def _has_group(folder: str) -> bool:
    return any(GROUP.encode() in text for text in _entry_point_files(folder or "."))


def _entry_point_files(folder: str) -> Iterator[bytes]:
    try:
        with os.scandir(folder) as entries:
            packages = [entry.path for entry in entries if entry.name.endswith((".dist-info", ".egg-info"))]
    except OSError:
        return
    for package in packages:
        try:
            yield Path(package, "entry_points.txt").read_bytes()
        except OSError:
            continue


def _register(module: str, function: Install) -> None:
    if not isinstance(module, str) or not callable(function):
        raise TypeError('tenure.adapter takes the name of a module and a function: tenure.adapter("hotel", install)')
    if any(name == module and known is function for name, known in _registered):
        return
    _registered.append((module, function))
    if tracer.current.is_patching:
        post_import.after_import(module, _installer(module, function, _name(function)))


def _loading(point: EntryPoint) -> Install:
    def load_and_install(module: ModuleType) -> None:
        name, _, attribute = point.adapter.partition(":")
        getattr(importlib.import_module(name.strip()), attribute.strip() or "install")(module)

    return load_and_install


def _installer(name: str, function: Install, label: str) -> Install:
    def install_adapter(module: ModuleType) -> None:
        try:
            function(module)
        except Exception as error:  # noqa: BLE001  # whatever the adapter does, the program continues
            faults.fault(f"the adapter {label} for {name}", error)

    return install_adapter


def _name(function: Install) -> str:
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', 'install')}"

"""The adapters, and whether each fits the library that is installed here: it is imported and patched to see."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Mapping, Sequence

import msgspec

from tenure import adapters
from tenure.doctor.faults import Faults
from tenure.doctor.sanitize import plain


class Library(msgspec.Struct, frozen=True):
    """A library that adapters know. ``version`` "": it is not installed; ``problem``: why an adapter does not fit."""

    name: str
    adapters: list[str]
    version: str
    problem: str


def survey(faults: Faults) -> list[Library]:
    """All of them, by name. A recording session must be on; ``faults`` hears what happens in it."""
    waiting: dict[str, dict[str, Sequence[str]]] = {}
    for module, names in adapters.ADAPTERS.items():
        waiting.setdefault(module.partition(".")[0], {})[module] = names
    distributions = importlib.metadata.packages_distributions()
    return [_library(name, waiting[name], distributions.get(name, ()), faults) for name in sorted(waiting)]


def _library(name: str, modules: Mapping[str, Sequence[str]], distributions: Sequence[str], faults: Faults) -> Library:
    names = sorted({adapter for several in modules.values() for adapter in several})
    if name in sys.stdlib_module_names:
        return Library(name, names, "standard library", _problem(modules, faults))
    if importlib.util.find_spec(name) is None:
        return Library(name, names, "", "")
    version = importlib.metadata.version(distributions[0]) if distributions else "unknown version"
    return Library(name, names, version, _problem(modules, faults))


def _problem(modules: Mapping[str, Sequence[str]], faults: Faults) -> str:
    before = len(faults.found)
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001  # whatever is wrong with that library, it is told
            return plain(f"{module} cannot be imported: {type(error).__name__}: {error}")
    return "; ".join(f"{fault.where}: {fault.error}" for fault in faults.found[before:])

"""The adapters, and whether each fits the installed library: the library is imported and patched to find out."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Mapping, Sequence

import msgspec

from tenure import adapters
from tenure.adapters import user_adapters
from tenure.doctor.faults import FaultListener
from tenure.doctor.sanitize import sanitize_text


class Library(msgspec.Struct, frozen=True):
    """A library with adapters. ``version`` "": it is not installed; ``problem``: why an adapter does not fit."""

    name: str
    adapters: list[str]
    version: str
    problem: str


def list_libraries(faults: FaultListener) -> list[Library]:
    """List them by name, with the adapters of installed packages.

    A recording session must be on, and ``faults`` must listen to its faults.
    """
    waiting: dict[str, dict[str, Sequence[str]]] = {}
    for module, names in adapters.ADAPTERS.items():
        waiting.setdefault(module.partition(".")[0], {})[module] = names
    for point in user_adapters.entry_points():
        of_library = waiting.setdefault(point.module.partition(".")[0], {})
        of_library[point.module] = (*of_library.get(point.module, ()), sanitize_text(point.label))
    distributions = importlib.metadata.packages_distributions()
    return [_library(name, waiting[name], distributions.get(name, ()), faults) for name in sorted(waiting)]


def _library(
    name: str, modules: Mapping[str, Sequence[str]], distributions: Sequence[str], faults: FaultListener
) -> Library:
    names = sorted({adapter for several in modules.values() for adapter in several})
    if name in sys.stdlib_module_names:
        return Library(name, names, "standard library", _problem(modules, faults))
    if not name or importlib.util.find_spec(name) is None:
        return Library(name, names, "", "")
    version = importlib.metadata.version(distributions[0]) if distributions else "unknown version"
    return Library(name, names, version, _problem(modules, faults))


def _problem(modules: Mapping[str, Sequence[str]], faults: FaultListener) -> str:
    """Why an adapter does not fit; "" also where a module is missing that only another version of the library has."""
    before = len(faults.faults)
    missing: dict[str, str] = {}
    fitting: set[str] = set()
    for module, names in modules.items():
        try:
            importlib.import_module(module)
        except ModuleNotFoundError as error:
            missing[module] = sanitize_text(f"{module} cannot be imported: {type(error).__name__}: {error}")
        except Exception as error:  # noqa: BLE001  # the library's own problem, which is reported
            return sanitize_text(f"{module} cannot be imported: {type(error).__name__}: {error}")
        else:
            fitting.update(names)
    problems = [problem for module, problem in missing.items() if not fitting.issuperset(modules[module])]
    return "; ".join([*problems, *(f"{fault.where}: {fault.error}" for fault in faults.faults[before:])])

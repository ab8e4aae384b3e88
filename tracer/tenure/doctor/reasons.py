"""Why code is not rewritten, which is why a manager that it enters is missed if no adapter knows the class."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import FrameType

from tenure._core.paths import ASYNCIO_DIR
from tenure._rewriting.loaders import Rewriting
from tenure._rewriting.module_filter import ModuleFilter
from tenure.doctor.call_events import is_statement


class Reasons:
    """Knows which modules were imported before recording began: create it directly before."""

    def __init__(self, module_filter: ModuleFilter) -> None:
        self._module_filter = module_filter
        self._before = dict(sys.modules)

    def why_missed(self, site: FrameType, *, is_patched: bool) -> str:
        """Say why a manager that was entered there is not recorded."""
        if is_patched:
            return "tenure.track is used for other objects of its class (decorate the class with tenure.tracked)"
        code = site.f_code
        if not is_statement(site):
            return "entered by a call, not by a statement, and no adapter knows the class (use tenure.track)"
        if not code.co_filename.endswith((".py", ".pyw")):
            return f"entered by code generated at run time, {code.co_filename} (use tenure.track)"
        return self.why_not_rewritten(site.f_globals, code.co_filename)

    def why_left_out(self, site: FrameType) -> str:
        """Say why a manager whose class reports its entries is left out there."""
        if site.f_code.co_filename.startswith(ASYNCIO_DIR):
            return "asyncio uses it internally"
        return "its adapter leaves it out"

    def why_not_rewritten(self, names: Mapping[str, object], file: str) -> str:
        """Say why this module, given by its globals and its file, is not rewritten."""
        name = module_name(names)
        package = name.partition(".")[0]
        path = Path(file)
        if self._module_filter.excludes(name):
            return f"its module {name} is excluded (--exclude)"
        if not self._module_filter.includes(name, file):
            if not self._module_filter.is_installed(path.resolve()):
                return (
                    f"{package} is outside the program's directories, and no adapter knows the class ({_add(package)})"
                )
            return f"{_whose(package)} is not rewritten, and no adapter knows the class ({_add(package)})"
        if self.was_imported_before(name):
            return f"its module {name} was imported before recording began"
        loader = names.get("__loader__")
        if not isinstance(loader, Rewriting):
            return (
                f"its module {name} is loaded by {type(loader).__qualname__}, not by Python's loader for source files"
            )
        return f"rewriting {name} failed"

    def was_imported_before(self, name: str) -> bool:
        """Whether this module was imported before recording began and was not replaced since."""
        return name in self._before and sys.modules.get(name) is self._before[name]


def module_name(names: Mapping[str, object]) -> str:
    """Return a module's name, by its globals; a module that runs as ``__main__`` by ``-m`` has its own name too."""
    spec_name = getattr(names.get("__spec__"), "name", None)
    return spec_name if isinstance(spec_name, str) else str(names.get("__name__", ""))


def _whose(package: str) -> str:
    return f"the standard library's {package}" if package in sys.stdlib_module_names else f"the installed {package}"


def _add(package: str) -> str:
    return f"use --include {package}" if package else "use tenure.track"

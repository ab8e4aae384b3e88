"""The import hook: the program's own modules are compiled with stamps around each ``async with``.

It is the first finder of ``sys.meta_path``. It lets every other finder search first, and replaces a module's loader
only if the module is a plain source file, in a folder or in a zip file, that the module filter includes. So everything
else that takes part in importing (editable installs, lazy loaders) works as before.
"""

from __future__ import annotations

import importlib.machinery
import sys
import zipimport
from collections.abc import Sequence
from types import ModuleType
from typing import TYPE_CHECKING, cast

from tenure._core import faults
from tenure._rewriting import frozen
from tenure._rewriting.import_tracebacks import as_import_frame, raise_not_found
from tenure._rewriting.loaders import RewritingLoader, RewritingZipLoader, code_variant
from tenure._rewriting.module_filter import ModuleFilter

if TYPE_CHECKING:
    from importlib.abc import Loader  # it takes 5 ms to import


class Finder:
    """Lets the other finders find a module, and replaces the loader of the modules that the filter includes."""

    delegates_to_later_finders = True

    def __init__(self, module_filter: ModuleFilter, *, sync: bool = False) -> None:
        self.module_filter, self.sync = module_filter, sync
        code_variant(sync=sync)  # reads the sizes of files once, before the program imports anything

    @as_import_frame
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec that a later finder gives, with a rewriting loader if the filter includes the module."""
        finders = list(sys.meta_path)
        index = next((index for index, finder in enumerate(finders) if finder is self), -1)
        for finder in finders[index + 1 :]:
            find_spec = getattr(finder, "find_spec", None)
            spec: importlib.machinery.ModuleSpec | None = find_spec(fullname, path, target) if find_spec else None
            if spec is not None:
                try:
                    if spec.origin is not None and self.module_filter.includes(spec.name, spec.origin):
                        rewrite_on_import(spec, sync=self.sync)
                except Exception as error:  # noqa: BLE001  # the module is imported as it is
                    faults.fault("choosing which modules to record", error, f"{spec.name} is imported unrecorded")
                return spec
        try:
            raise_not_found(fullname, sys._getframe(1))  # noqa: SLF001  # only the frame says whether this is an import
        except ModuleNotFoundError:
            raise
        except Exception as error:  # noqa: BLE001  # the import system calls the other finders once more
            faults.fault("giving up an import", error)
        return None


def rewrite_on_import(spec: importlib.machinery.ModuleSpec, *, sync: bool) -> None:
    """Give this module a rewriting loader, if its loader is one of Python's own for source text."""
    loader: object = spec.loader
    if spec.origin is None:
        return
    if type(loader) is importlib.machinery.SourceFileLoader:
        spec.loader = RewritingLoader(loader.name, spec.origin, sync=sync)
        spec.cached = spec.loader.cache_path(spec.origin)
    elif type(loader) is zipimport.zipimporter:
        spec.loader = cast("Loader", RewritingZipLoader(loader, sync=sync))
    elif frozen.is_frozen(loader):
        frozen.rewrite(loader, sync=sync)

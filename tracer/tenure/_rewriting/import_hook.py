"""The import hook: the program's own modules are compiled with their ``async with`` recorded.

It stands at the front of ``sys.meta_path``, lets every other finder look first, and gives a module another loader only
where it is a plain source file, in a folder or in a zip file, that was selected. So whatever else takes part in
importing (editable installs, lazy loaders) goes on as it was.
"""

from __future__ import annotations

import importlib.machinery
import sys
import zipimport
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from types import ModuleType
from typing import cast

from tenure._core import faults
from tenure._rewriting.import_tracebacks import give_up, importing
from tenure._rewriting.loaders import RewritingLoader, RewritingZipLoader, kind_of_code
from tenure._rewriting.module_filter import Selection


class Finder(MetaPathFinder):
    """Lets the others find a module and changes the loader of the selected ones."""

    asks_the_rest = True  # all that stand behind it

    def __init__(self, selection: Selection, *, sync: bool = False) -> None:
        self.selection, self.sync = selection, sync
        kind_of_code(sync=sync)  # looks at files once, before the program imports

    @importing
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec that the finders after this one give, with a rewriting loader where the module is selected."""
        finders = list(sys.meta_path)
        place = next((place for place, finder in enumerate(finders) if finder is self), -1)
        for finder in finders[place + 1 :]:
            find_spec = getattr(finder, "find_spec", None)
            spec: importlib.machinery.ModuleSpec | None = find_spec(fullname, path, target) if find_spec else None
            if spec is not None:
                try:
                    if spec.origin is not None and self.selection.includes(spec.name, spec.origin):
                        record(spec, sync=self.sync)
                except Exception as error:  # noqa: BLE001  # then it is imported as it is
                    faults.fault("choosing which modules to record", error, f"{spec.name} is imported unrecorded")
                return spec
        try:
            give_up(fullname, sys._getframe(1))  # noqa: SLF001  # whether it is an import that asks
        except ModuleNotFoundError:
            raise
        except Exception as error:  # noqa: BLE001  # then the other finders are asked once more
            faults.fault("giving up an import", error)
        return None


def record(spec: importlib.machinery.ModuleSpec, *, sync: bool) -> None:
    """Let this module be rewritten, if its loader is one of Python's own for source text."""
    loader: object = spec.loader
    if spec.origin is None:
        return
    if type(loader) is importlib.machinery.SourceFileLoader:
        spec.loader = RewritingLoader(loader.name, spec.origin, sync=sync)
        spec.cached = spec.loader.cache_path(spec.origin)
    elif type(loader) is zipimport.zipimporter:
        spec.loader = cast("Loader", RewritingZipLoader(loader, sync=sync))

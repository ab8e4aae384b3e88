"""Modules imported as under ``tenure run``, in this process."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import CodeType

from tenure import testing
from tenure._identify import sites, tracer
from tenure._rewriting.import_hook import Finder
from tenure._rewriting.module_filter import ModuleFilter

SOURCE = """
async def main(manager):
    async with manager as value:
        return value
"""


@contextmanager
def hooked(directory: Path, *, sync: bool = False, **options) -> Iterator[Finder]:
    """The directory is on the import path, and its modules are selected; one recorder serves all such blocks."""
    names, writes_none = set(sys.modules), sys.dont_write_bytecode
    sys.dont_write_bytecode = options.pop("dont_write", False)
    finder = Finder(ModuleFilter([directory], **options), sync=sync)
    sys.path.insert(0, str(directory))
    sys.meta_path.insert(0, finder)
    importlib.invalidate_caches()
    try:
        with nullcontext() if tracer.current.owner else testing.recorder():
            yield finder
    finally:
        sys.dont_write_bytecode = writes_none
        sys.path.remove(str(directory))
        sys.meta_path.remove(finder)
        for name in set(sys.modules) - names:
            del sys.modules[name]


def is_rewritten(module) -> bool:
    return any(name.startswith("@tenure") for name in module.main.__code__.co_names)


def expressions(code: CodeType) -> list[str]:
    """The managers that a module's code records, as they are written, in the order of their lines."""
    ordered = sorted(map(sites.Site.of, sites.in_code(code)), key=lambda site: site.line)
    return [site.expression for site in ordered]

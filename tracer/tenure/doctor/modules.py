"""The program's modules: the rewritten ones with the number of their sites, the others with the reason."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

import msgspec

from tenure._identify import sites
from tenure._rewriting import pytest_hook
from tenure._rewriting.loaders import Rewriting, RewritingLoader
from tenure._rewriting.module_filter import ModuleFilter
from tenure.doctor.reasons import Reasons, module_name
from tenure.doctor.sanitize import sanitize_text


class Module(msgspec.Struct, frozen=True):
    """A module with statements that enter managers; ``reason`` says why it was not rewritten, "" if it was."""

    name: str
    file: str
    sites: int  # managers that its statements enter, each counted once
    reason: str = ""


def list_modules(module_filter: ModuleFilter, reasons: Reasons, *, sync: bool) -> list[Module]:
    """List the program's modules that are imported now and have sites, sorted by name."""
    modules = {}
    for names, file in _own(module_filter):
        loader, name = names.get("__loader__"), module_name(names)
        written, recorded = _sites_in(file, sync=sync), 0
        if isinstance(loader, Rewriting):
            recorded = _sites_of(loader, file)
        elif pytest_hook.is_rewritten_by_pytest(loader):
            recorded = _sites_of(RewritingLoader(name, file, sync=sync), file)
        if recorded:
            modules[name] = Module(sanitize_text(name), sanitize_text(file), recorded)
        elif written:
            modules[name] = Module(
                sanitize_text(name), sanitize_text(file), written, sanitize_text(reasons.why_not_rewritten(names, file))
            )
    return [modules[name] for name in sorted(modules)]


def _own(module_filter: ModuleFilter) -> Iterator[tuple[Mapping[str, object], str]]:
    """Yield the globals and the file of each module of the program, also of the excluded ones, but not Tenure's."""
    for module in list(sys.modules.values()):
        if not isinstance(module, ModuleType):
            continue
        names = vars(module)
        file = names.get("__file__")
        if not isinstance(file, str) or not file.endswith((".py", ".pyw")):
            continue
        name = module_name(names)
        if name.partition(".")[0] != "tenure" and (module_filter.excludes(name) or module_filter.includes(name, file)):
            yield names, file


def _sites_in(file: str, *, sync: bool) -> int:
    """Count the managers that the statements of a source file enter; 0 if it cannot be read."""
    kinds = (ast.AsyncWith, ast.With) if sync else (ast.AsyncWith,)
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return 0
    return sum(len(node.items) for node in ast.walk(tree) if isinstance(node, kinds))


def _sites_of(loader: Rewriting, file: str) -> int:
    """Count the sites of a rewritten module, by rewriting it once more and discarding the code."""
    try:
        return len(sites.in_code(loader.source_to_code(loader.get_data(file), file)))
    except (OSError, SyntaxError, ValueError):
        return 0

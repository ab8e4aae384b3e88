"""The program's modules: those that were rewritten, with their sites, and those that were not, with the reason."""

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
from tenure._rewriting.module_filter import Selection
from tenure.doctor.reasons import Reasons, module_name
from tenure.doctor.sanitize import plain


class Module(msgspec.Struct, frozen=True):
    """A module with statements that enter managers. ``reason``: why it was not rewritten, "" if it was."""

    name: str
    file: str
    sites: int  # managers that its statements enter, each counted once
    reason: str = ""


def survey(selection: Selection, reasons: Reasons, *, sync: bool) -> list[Module]:
    """All that is imported now and concerns us, by name."""
    found = {}
    for names, file in _own(selection):
        loader, name = names.get("__loader__"), module_name(names)
        written, recorded = _sites_in(file, sync=sync), 0
        if isinstance(loader, Rewriting):
            recorded = _sites_of(loader, file)
        elif pytest_hook.is_joined(loader):
            recorded = _sites_of(RewritingLoader(name, file, sync=sync), file)
        if recorded:
            found[name] = Module(plain(name), plain(file), recorded)
        elif written:
            found[name] = Module(plain(name), plain(file), written, plain(reasons.not_rewritten(names, file)))
    return [found[name] for name in sorted(found)]


def _own(selection: Selection) -> Iterator[tuple[Mapping[str, object], str]]:
    """The globals and the files of what is the program's own, be it excluded; Tenure is not."""
    for module in list(sys.modules.values()):
        if not isinstance(module, ModuleType):
            continue
        names = vars(module)
        file = names.get("__file__")
        if not isinstance(file, str) or not file.endswith((".py", ".pyw")):
            continue
        name = module_name(names)
        if name.partition(".")[0] != "tenure" and (selection.excludes(name) or selection.includes(name, file)):
            yield names, file


def _sites_in(file: str, *, sync: bool) -> int:
    """How many managers the statements of a source file enter; 0 where it cannot be read."""
    kinds = (ast.AsyncWith, ast.With) if sync else (ast.AsyncWith,)
    try:
        tree = ast.parse(Path(file).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return 0
    return sum(len(node.items) for node in ast.walk(tree) if isinstance(node, kinds))


def _sites_of(loader: Rewriting, file: str) -> int:
    """How many sites a rewritten module records: it is rewritten once more, and nothing is kept of that."""
    try:
        return len(sites.in_code(loader.source_to_code(loader.get_data(file), file)))
    except (OSError, SyntaxError, ValueError):
        return 0

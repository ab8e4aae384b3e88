"""pytest's assertion rewriting and ours, on the same modules.

pytest compiles test modules itself: its import hook stands before any other, parses, rewrites the assert statements,
compiles and keeps a cache of its own. The last of these steps but one is where we come in: the tree that it compiles is
rewritten once more. pytest shows no local variables whose names begin with "@", ours as little as its own.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from tenure import buffer, loaders, patching, rewriting
from tenure.adapters import imported
from tenure.selection import Selection

_MODULE = "_pytest.assertion.rewrite"


def join(selection: Selection, *, sync: bool) -> None:
    """Rewrite the modules of this selection that pytest compiles, if the program imports pytest, until ``undo``."""

    def install(rewrite: ModuleType) -> None:
        try:
            _install(rewrite, selection, sync=sync)
        except Exception as error:  # noqa: BLE001  # a pytest of another shape: its modules are not rewritten
            buffer.fault("joining pytest's assertion rewriting", error)

    imported.after_import(_MODULE, install)


def is_joined(loader: object) -> bool:
    """Whether modules of this loader are pytest's, and rewritten by us too."""
    module = sys.modules.get(_MODULE)
    return type(loader).__module__ == _MODULE and getattr(vars(module).get("compile"), "__tenure__", False)


def _install(rewrite: ModuleType, selection: Selection, *, sync: bool) -> None:
    def compile_(tree: ast.Module, file: str, mode: str, **options: Any) -> CodeType:
        if selection.wants(_name_of(file), file):
            try:
                return rewriting.compile_tree(tree, Path(file).read_bytes(), file, sync=sync)
            except Exception as error:  # noqa: BLE001  # be it the source's own fault: that is told below
                buffer.fault(f"rewriting {file} beside pytest", error)
        code: CodeType = compile(tree, file, mode, **options)
        return code

    kind = f"{loaders.kind_of_code(sync=sync)}|{selection!r}".encode(errors="surrogatepass")
    tail = f".{rewrite.PYTEST_TAG}-tenure{hashlib.sha256(kind).hexdigest()[:12]}{rewrite.PYC_EXT}"
    compile_.__tenure__ = True  # type: ignore[attr-defined]
    patching.replace(rewrite, "PYC_TAIL", tail)
    patching.replace(rewrite, "compile", compile_)


def _name_of(file: str) -> str:
    """The name of the module that is being imported from this file; pytest does not say it where it compiles."""
    found = (name for name, module in list(sys.modules.items()) if getattr(module, "__file__", None) == file)
    return next(found, "")

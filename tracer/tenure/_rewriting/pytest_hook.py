"""pytest's assertion rewriting and ours, on the same modules.

pytest compiles test modules itself: its import hook stands before any other, parses, rewrites the assert statements,
compiles and keeps a cache of its own. The last of these steps but one is where we come in: the tree that it compiles is
rewritten once more. pytest shows no local variables whose names begin with "@", ours as little as its own.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from types import CodeType, FrameType, ModuleType
from typing import Any

from tenure._core import faults, real_paths
from tenure._core.object_access import attribute
from tenure._patching import class_patches
from tenure._rewriting import loaders, post_import, rewriter
from tenure._rewriting.module_filter import Selection

_MODULE = "_pytest.assertion.rewrite"


def join(selection: Selection, *, sync: bool) -> None:
    """Rewrite the modules of this selection that pytest compiles, if the program imports pytest, until ``undo``."""

    def install(rewrite: ModuleType) -> None:
        try:
            _install(rewrite, selection, sync=sync)
        except Exception as error:  # noqa: BLE001  # a pytest of another shape: its modules are not rewritten
            faults.fault("joining pytest's assertion rewriting", error)

    post_import.after_import(_MODULE, install)


def is_joined(loader: object) -> bool:
    """Whether modules of this loader are pytest's, and rewritten by us too."""
    module = sys.modules.get(_MODULE)
    return type(loader).__module__ == _MODULE and getattr(vars(module).get("compile"), "__tenure__", False)


def _install(rewrite: ModuleType, selection: Selection, *, sync: bool) -> None:
    def compile_(tree: ast.Module, file: str, mode: str, **options: Any) -> CodeType:
        try:
            if selection.includes(_name_of(file), file):
                return rewriter.compile_tree(tree, _source(sys._getframe(1), file), file, sync=sync)  # noqa: SLF001  # see there
        except Exception as error:  # noqa: BLE001  # be it the source's own fault: that is told below
            faults.fault(f"rewriting {file} beside pytest", error)
        code: CodeType = compile(tree, file, mode, **options)
        return code

    kind = f"{loaders.kind_of_code(sync=sync)}|{selection!r}".encode(errors="surrogatepass")
    tail = f".{rewrite.PYTEST_TAG}-tenure{hashlib.sha256(kind).hexdigest()[:12]}{rewrite.PYC_EXT}"
    compile_.__tenure__ = True  # type: ignore[attr-defined]
    class_patches.replace(rewrite, "PYC_TAIL", tail)
    class_patches.replace(rewrite, "compile", compile_)


def _source(frame: FrameType, file: str) -> bytes:
    """The source text, which pytest has read; a pytest that keeps it elsewhere costs one more reading."""
    source = frame.f_locals.get("source")
    return source if isinstance(source, bytes) else real_paths.read(file)


def _name_of(file: str) -> str:
    """The name of the module that is being imported from this file; pytest does not say it where it compiles.

    A module may have a ``__getattr__`` of its own, which is not called.
    """
    for name, module in list(sys.modules.items()):
        found = attribute(module, "__file__")
        if type(found) is str and found == file:
            return name
    return ""

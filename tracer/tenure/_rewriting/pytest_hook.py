"""Rewrites the modules that pytest compiles.

pytest compiles test modules itself: its import hook comes before any other, parses, rewrites the assert statements,
compiles, and keeps its own cache. Tenure replaces the compiling step, and rewrites the tree once more there. pytest
hides local variables whose names begin with "@", so it hides Tenure's as well as its own.
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
from tenure._rewriting.module_filter import ModuleFilter

_MODULE = "_pytest.assertion.rewrite"


def install(module_filter: ModuleFilter, *, sync: bool) -> None:
    """Rewrite the modules that pytest compiles and the filter includes, if the program imports pytest."""

    def patch(rewrite: ModuleType) -> None:
        try:
            _patch_pytest(rewrite, module_filter, sync=sync)
        except Exception as error:  # noqa: BLE001  # a pytest of another shape: its modules are not rewritten
            faults.fault("joining pytest's assertion rewriting", error)

    post_import.after_import(_MODULE, patch)


def is_rewritten_by_pytest(loader: object) -> bool:
    """Whether this loader is pytest's, and its modules are rewritten by Tenure too."""
    module = sys.modules.get(_MODULE)
    return type(loader).__module__ == _MODULE and getattr(vars(module).get("compile"), "__tenure__", False)


def _patch_pytest(rewrite: ModuleType, module_filter: ModuleFilter, *, sync: bool) -> None:
    def compile_(tree: ast.Module, file: str, mode: str, **options: Any) -> CodeType:
        try:
            if module_filter.includes(_name_of(file), file):
                return rewriter.compile_tree(tree, _source(sys._getframe(1), file), file, sync=sync)  # noqa: SLF001  # see there
        except Exception as error:  # noqa: BLE001  # an invalid source fails again below
            faults.fault(f"rewriting {file} beside pytest", error)
        code: CodeType = compile(tree, file, mode, **options)
        return code

    kind = f"{loaders.code_variant(sync=sync)}|{module_filter!r}".encode(errors="surrogatepass")
    tail = f".{rewrite.PYTEST_TAG}-tenure{hashlib.sha256(kind).hexdigest()[:12]}{rewrite.PYC_EXT}"
    compile_.__tenure__ = True  # type: ignore[attr-defined]
    class_patches.replace(rewrite, "PYC_TAIL", tail)
    class_patches.replace(rewrite, "compile", compile_)


def _source(frame: FrameType, file: str) -> bytes:
    """Return the source text that pytest has read; read the file if this pytest keeps it elsewhere."""
    source = frame.f_locals.get("source")
    return source if isinstance(source, bytes) else real_paths.read(file)


def _name_of(file: str) -> str:
    """Find the name of the module that is being imported from this file; pytest does not pass it to ``compile``.

    A module's own ``__getattr__`` is not called.
    """
    for name, module in list(sys.modules.items()):
        module_file = attribute(module, "__file__")
        if type(module_file) is str and module_file == file:
            return name
    return ""

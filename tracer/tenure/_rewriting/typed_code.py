"""Rewrites what is typed after recording began: at a prompt that the module ``codeop`` compiles for, or in IPython.

    python -m asyncio, code.interact()     ``codeop`` gets the text of each statement
    Python's own prompt since 3.13         ``codeop`` gets each statement parsed; its caller has the text
    IPython, Jupyter                       ``CachingCompiler.ast_parse`` gets the text of each cell

Until 3.13 Python's own prompt is compiled in C, and nothing of it is rewritten.
"""

from __future__ import annotations

import ast
import linecache
import sys
import warnings
from types import CodeType, FrameType, ModuleType
from typing import Any

from tenure._core import faults
from tenure._identify import libraries
from tenure._patching import class_patches
from tenure._rewriting import post_import, rewriter
from tenure._rewriting.module_filter import ModuleFilter

_TYPED = ("<console>", "<stdin>", "<input>", "<python-input-", "<stdin-")
_LIBRARIES = ("IPython", "ipykernel", "jupyter_client", "tornado", "traitlets", "zmq")
_AWAITS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_RUNS_CELL = "run_ast_nodes"  # the method of IPython's shell whose ``to_run`` has the statements of the cell


def install(module_filter: ModuleFilter, *, sync: bool) -> None:
    """Rewrite what is typed, if ``__main__`` is not excluded, as soon as the program imports what compiles it."""
    if module_filter.excludes("__main__"):
        return
    for name, patch in (("codeop", _patch_codeop), ("IPython.core.compilerop", _patch_ipython)):
        post_import.after_import(name, _guarded(patch, sync=sync))


def is_typed(frame: FrameType) -> bool:
    """Whether this frame runs what was typed at one of these prompts."""
    return _cell_of(frame) is not None or (frame.f_back is not None and frame.f_code.co_filename.startswith(_TYPED))


def is_at_own_prompt(frame: FrameType) -> bool:
    """Whether this frame runs what was typed at Python's own prompt, which is compiled in C."""
    return frame.f_back is None and frame.f_code.co_filename.startswith(_TYPED) and hasattr(sys, "ps1")


def record_cell(frame: FrameType, *, sync: bool) -> None:
    """Rewrite the statements of the cell that runs, which IPython compiles one after another, each when it is run."""
    cell = _cell_of(frame)
    if cell is None:
        return
    statements: list[ast.stmt] = [node for node, _ in cell.f_locals["to_run"]]
    file = cell.f_locals["cell_name"]
    tree = ast.Module(statements[:], [])
    flags = getattr(cell.f_locals["compiler"], "flags", 0)
    _rewrite(tree, "".join(linecache.getlines(file)), file, "exec", flags | _AWAITS, sync=sync)
    for statement, rewritten in zip(statements, tree.body, strict=True):
        vars(statement).update(vars(rewritten))


def _cell_of(frame: FrameType | None) -> FrameType | None:
    """The frame in which IPython runs the cell that this frame runs."""
    while frame is not None:
        if frame.f_code.co_name == _RUNS_CELL and {"to_run", "cell_name", "compiler"} <= frame.f_locals.keys():
            return frame
        frame = frame.f_back
    return None


def _guarded(patch: Any, *, sync: bool) -> post_import.Install:
    def install_patch(module: ModuleType) -> None:
        try:
            patch(module, sync=sync)
        except Exception as error:  # noqa: BLE001  # a module of another shape: what is typed is not rewritten
            faults.fault(f"recording what {module.__name__} compiles", error)

    return install_patch


def _patch_codeop(codeop: ModuleType, *, sync: bool) -> None:
    def compile_(source: Any, file: str, mode: str, flags: int = 0, *_: object, **options: Any) -> Any:
        code = compile(source, file, mode, flags, dont_inherit=True, **options)
        if isinstance(code, CodeType) and mode != "eval":
            try:
                caller = sys._getframe(1).f_back  # noqa: SLF001  # who called the object that compiles
                text = source if isinstance(source, str) else caller.f_locals.get("source") if caller else None
                if isinstance(text, str) and _may_contain_statements(text, sync=sync):
                    return _rewrite(source, text, file, mode, flags, sync=sync) or code
            except Exception as error:  # noqa: BLE001  # it runs as it is
                faults.fault("recording what is typed", error)
        return code

    compile_.__tenure__ = True  # type: ignore[attr-defined]
    class_patches.replace(codeop, "compile", compile_)


def _patch_ipython(compilerop: ModuleType, *, sync: bool) -> None:
    parse = compilerop.CachingCompiler.ast_parse

    def ast_parse(self: Any, source: str, filename: str = "<unknown>", symbol: str = "exec") -> ast.AST:
        tree: ast.AST = parse(self, source, filename, symbol)
        try:
            if symbol == "exec" and _may_contain_statements(source, sync=sync):
                _rewrite(tree, source, filename, "exec", self.flags | _AWAITS, sync=sync)
        except Exception as error:  # noqa: BLE001  # it runs as it is
            faults.fault("recording a cell", error)
        return tree

    libraries.know(*_LIBRARIES)
    class_patches.replace(compilerop.CachingCompiler, "ast_parse", class_patches.mark_as_wrapper(parse)(ast_parse))


def _may_contain_statements(text: str, *, sync: bool) -> bool:
    return rewriter.may_contain_statements(text.encode("utf-8", "surrogatepass"), sync=sync)


def _rewrite(source: object, text: str, file: str, mode: str, flags: int, *, sync: bool) -> CodeType | None:
    """The rewritten code of a text, or of a tree, which is changed; None where the text cannot be compiled."""
    with warnings.catch_warnings():  # Python warns when it compiles the text itself
        warnings.simplefilter("ignore")
        try:
            tree = source
            if not isinstance(tree, ast.AST):
                tree = compile(text, file, mode, flags | ast.PyCF_ONLY_AST, dont_inherit=True)
            if not isinstance(tree, ast.Module | ast.Interactive):
                return None
            return rewriter.compile_tree(tree, text, file, sync=sync, flags=flags)
        except (SyntaxError, ValueError):
            return None

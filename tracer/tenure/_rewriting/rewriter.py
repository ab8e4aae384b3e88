"""Rewriting ``async with``: four stamps around it in the function's own frame.

Source in, code out. A `with` of several items first becomes one statement for each item, each within the one before, as
Python defines it. One statement then becomes

    record = begin(site, task, MANAGER)
    try:
        async with record.pop() as TARGET:
            record[ACQUIRED] = now()
            try:
                BODY
            except:
                body_raised(record); raise
            finally:
                record[RELEASE] = now()
    except:
        raised(record); raise
    finally:
        record[RELEASED] = now()

(with the Python probe; ``tenure._rewriting.stamps`` shows the stamps of the native one),
so the statement itself stays Python's, with its suppression, its tracebacks and its line numbers. Stamps have no line
number where possible, so that tools that watch lines (debuggers, coverage) see no extra line. Assigning a target that
is not a plain name may fail. That is a failure of the body, so such a target is assigned in the body.

Each entry looks up the running task. A function that enters more than once looks it up once, before the first entry,
unless it is a generator, which several tasks may advance. There each exit looks it up too.

Names. Locals start with "@tenure", which no program can write, and are hidden from ``locals()``, ``vars()`` and
``dir()``. The helper functions are in ``builtins`` under such names (``HELPERS``): programs list, copy and star-import
module globals, but hardly ever builtins. Two forms wrap the manager instead, ``traced(site, MANAGER)``: a statement
that is not in a function (module and class bodies, `with` only), and one beyond Python's limit of 20 nested blocks.
"""

from __future__ import annotations

import ast
import builtins
import importlib.util
import re
import sys
from types import CodeType
from typing import cast

from tenure import _probe_api as probe
from tenure._identify import tasks, tracer
from tenure._identify.sites import Site, one_line
from tenure._patching.track import traced
from tenure._rewriting import ast_tools, stamps
from tenure._rewriting.ast_tools import PREFIX, Function, Statement

VERSION = 4  # of the rewritten form: part of the bytecode cache's name
_LEVELS = 100, 3, 2, 1, 0  # limits of nested stamped statements, tried in turn until the compiler accepts the depth
# The compiler of 3.12.0 and 3.12.1 crashes on too many blocks (fixed in 3.12.2). There only the outermost statement is
# stamped, and only if the module stays far below 20 blocks.
_COMPILER_CRASHES = (3, 12) <= sys.version_info < (3, 12, 2)
_SAFE_DEPTH = 12

_WITH = re.compile(rb"\bwith\b")
_ASYNC_WITH = re.compile(rb"\basync(?:[ \t\f]|\\\r?\n?)+with\b")
_ENCODING = re.compile(rb"(?:[^\r\n]*(?:\r\n?|\n))?[^\r\n]*?coding[:=][ \t]*([-\w.]+)")  # PEP 263
_ASCII_COMPATIBLE = (b"utf-8", b"utf8", b"latin", b"iso-8859", b"iso8859", b"ascii", b"cp125")


def may_contain_statements(source: bytes, *, sync: bool) -> bool:
    """Whether the source text may have statements to rewrite; if not, it can be compiled as it is."""
    return bool((_WITH if sync else _ASYNC_WITH).search(source)) or _has_unusual_encoding(source)


def rewrite(source: bytes, file: str, *, sync: bool = False, optimize: int = -1) -> CodeType:
    """Compile a module with its ``async with`` (and, with sync, its ``with``) recorded.

    Raises:
        SyntaxError, ValueError: as ``compile`` does for the unchanged source.
    """
    if not may_contain_statements(source, sync=sync):
        return compile(source, file, "exec", dont_inherit=True, optimize=optimize)
    tree = cast("ast.Module", compile(source, file, "exec", ast.PyCF_ONLY_AST, dont_inherit=True))
    return compile_tree(tree, source, file, sync=sync, optimize=optimize)


def compile_tree(
    tree: ast.Module | ast.Interactive,
    source: bytes | str,
    file: str,
    *,
    sync: bool = False,
    optimize: int = -1,
    flags: int = 0,
) -> CodeType:
    """Compile a tree that was parsed from this source, as ``rewrite``; the tree is changed, unless rewriting fails.

    ``flags``: as ``compile`` has them.
    """
    lines = (source if isinstance(source, str) else importlib.util.decode_source(source)).split("\n")
    mode = "single" if isinstance(tree, ast.Interactive) else "exec"
    for levels in _levels(tree):
        rewriter = _Rewriter(tree, file, lines, sync=sync, levels=levels)
        try:
            rewriter.rewrite()
            return cast("CodeType", compile(tree, file, mode, flags, dont_inherit=True, optimize=optimize))
        except SyntaxError as error:
            rewriter.undo()
            if "nested blocks" not in str(error):
                break
        except Exception:
            rewriter.undo()
            raise
    return cast("CodeType", compile(tree, file, mode, flags, dont_inherit=True, optimize=optimize))


def _has_unusual_encoding(source: bytes) -> bool:
    """Whether the source declares an encoding in which keywords may differ from ASCII."""
    declared = _ENCODING.match(source)
    return declared is not None and not declared[1].lower().startswith(_ASCII_COMPATIBLE)


def _levels(tree: ast.AST) -> tuple[int, ...]:
    if not _COMPILER_CRASHES:
        return _LEVELS
    return _LEVELS[-2:] if ast_tools.block_depth(tree) <= _SAFE_DEPTH else _LEVELS[-1:]


def visible(names: object) -> object:
    """Remove the names that rewriting added from the result of ``locals()``, ``vars()`` or ``dir()``."""
    if isinstance(names, dict):
        for name in [name for name in names if isinstance(name, str) and name.startswith(PREFIX)]:
            del names[name]
    elif isinstance(names, list):
        names[:] = [name for name in names if not (isinstance(name, str) and name.startswith(PREFIX))]
    return names


HELPERS = {
    "body_raised": probe.body_raised,
    "current": tasks.current,
    "leaving": probe.leaving,
    "raised": probe.raised,
    "traced": traced,
    "visible": visible,
}


def provide_helpers() -> None:
    """Put the helpers of rewritten code into ``builtins``. They stay: rewritten code may run until the process ends."""
    helpers = {**HELPERS, "begin": probe.helper_begin(), "now": tracer.current.clock}
    for name, helper in helpers.items():
        setattr(builtins, f"{PREFIX}_{name}", helper)


def has_helpers() -> bool:
    """Whether rewritten code can run: recording began now or earlier."""
    return hasattr(builtins, f"{PREFIX}_begin")


class _NameScope:
    """A function, a class body or the module, with its qualified name."""

    def __init__(self, name: str, function: Function | None = None) -> None:
        self.name = name
        self.function = function  # None: a class body or the module
        self.usage: ast_tools.FunctionUsage | None = None  # set at the first statement that enters a manager

    def inner(self, node: Function | ast.ClassDef) -> _NameScope:
        """Return the scope of a function or class in this one."""
        within = f"{self.name}.<locals>." if self.function is not None else f"{self.name}." if self.name else ""
        return _NameScope(within + node.name, None if isinstance(node, ast.ClassDef) else node)

    @property
    def task_once(self) -> bool:
        """Whether the task is looked up once for all entries of this function."""
        return self.usage is not None and self.usage.entries > 1 and not self.usage.yields

    @property
    def any_task(self) -> bool:
        """Whether another task than the one that entered may leave: it is a generator."""
        return self.usage is not None and self.usage.yields


class _Rewriter:
    """Rewrites one module's tree in place, one block of statements after the other."""

    def __init__(
        self, tree: ast.Module | ast.Interactive, file: str, lines: list[str], *, sync: bool, levels: int
    ) -> None:
        self._file, self._lines, self._levels = file, lines, levels
        self._kinds: tuple[type[Statement], ...] = (ast.AsyncWith, ast.With) if sync else (ast.AsyncWith,)
        self._waiting: list[tuple[list[ast.stmt], _NameScope, int]] = [(tree.body, _NameScope(""), 0)]
        self._functions: list[_NameScope] = []  # those that enter a manager
        self._originals: list[tuple[list[ast.stmt], list[ast.stmt]]] = []

    def rewrite(self) -> None:
        """Rewrite the whole tree."""
        while self._waiting:
            self._rewrite_block(*self._waiting.pop())
        for scope in self._functions:
            self._finish_function(scope)

    def undo(self) -> None:
        """Put the program's own statements back."""
        for statements, before in reversed(self._originals):
            statements[:] = before

    def _rewrite_block(self, statements: list[ast.stmt], scope: _NameScope, level: int) -> None:
        out: list[ast.stmt] = []
        for statement in statements:
            if isinstance(statement, self._kinds):
                out += self._rewrite_statement(statement, scope, level)
                continue
            out.append(statement)
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self._waiting.append((statement.body, scope.inner(statement), 0))
            else:
                self._waiting += [(block, scope, level) for block in ast_tools.blocks(statement)]
        if out != statements:
            self._replace(statements, out)

    def _replace(self, statements: list[ast.stmt], new: list[ast.stmt]) -> None:
        self._originals.append((statements, statements[:]))
        statements[:] = new

    def _rewrite_statement(self, node: Statement, scope: _NameScope, level: int) -> list[ast.stmt]:
        """Make one statement for each item, each within the one before, with the body in the last."""
        if scope.function is not None and scope.usage is None:
            scope.usage = ast_tools.function_usage(scope.function, self._kinds)
            self._functions.append(scope)
        body = node.body[:]
        self._waiting.append((body, scope, level + len(node.items)))
        for at in reversed(range(len(node.items))):
            body = self._rewrite_item(node, node.items[at], body, scope, level + at)
        return body

    def _rewrite_item(
        self, node: Statement, item: ast.withitem, body: list[ast.stmt], scope: _NameScope, level: int
    ) -> list[ast.stmt]:
        manager, target = item.context_expr, item.optional_vars
        site = ast.Constant(self._site(manager, scope, isinstance(node, ast.With)))
        if scope.function is None or level >= self._levels:
            wrapped = ast.withitem(ast_tools.with_location(ast_tools.call("traced", site, manager), manager), target)
            return [ast_tools.with_location(type(node)([wrapped], body), node)]
        task = ast_tools.load("task") if scope.task_once else None
        return _stamped_statement(
            node, site=site, task=task, manager=manager, target=target, body=body, level=level, any_task=scope.any_task
        )

    def _site(self, expression: ast.expr, scope: _NameScope, sync: bool) -> str:
        source = one_line(ast_tools.source_segment(expression, self._lines))
        return Site(self._file, expression.lineno, scope.name or "<module>", source, sync).key()

    def _finish_function(self, scope: _NameScope) -> None:
        """Add the task's lookup, and hide the added names from ``locals()``, in a function that enters a manager."""
        function, usage = scope.function, scope.usage
        if function is None or usage is None:
            return
        if scope.task_once:
            # Right before the first statement that enters a manager: until then the program may name its task.
            first = function.body[usage.first]
            lookup = ast_tools.with_location(ast_tools.assign("task", ast_tools.call("current")), first)
            self._replace(function.body, [*function.body[: usage.first], lookup, *function.body[usage.first :]])
        for call in usage.locals_calls:
            names = ast_tools.with_location(ast.Call(call.func, [], []), call)
            call.func, call.args = ast_tools.with_location(ast_tools.load("visible"), call), [names]


def _stamped_statement(
    node: Statement,
    *,
    site: ast.expr,
    task: ast.expr | None,
    manager: ast.expr,
    target: ast.expr | None,
    body: list[ast.stmt],
    level: int,
    any_task: bool,
) -> list[ast.stmt]:
    """Make the form that the module's docstring shows."""
    record, value = f"record{level}", f"value{level}"
    late = target is not None and not isinstance(target, ast.Name)
    clear: list[ast.stmt] = []
    if late and target is not None:
        unpack = ast.Assign(
            [ast.Tuple([target, ast_tools.with_location(ast_tools.store(value), ast_tools.NO_LOCATION)], ast.Store())],
            ast.Tuple([ast_tools.load(value), ast.Constant(None)], ast.Load()),
        )
        body.insert(0, ast_tools.with_location(unpack, target))
        clear = [ast_tools.assign(value, ast.Constant(None))]
    inner = ast_tools.try_statement(
        body,
        [*clear, ast.Expr(ast_tools.call("body_raised", ast_tools.load(record)))],
        stamps.release(record, any_task=any_task),
    )
    item = ast.withitem(
        ast_tools.with_location(stamps.manager(record), manager), ast_tools.store(value) if late else target
    )
    stamped = [
        ast_tools.with_location(stamps.acquired(record), ast_tools.NO_LOCATION),
        ast_tools.with_location(inner, ast_tools.NO_LOCATION),
    ]
    statement = type(node)([item], stamped)
    outer = ast_tools.try_statement(
        [ast_tools.with_location(statement, node)],
        [ast.Expr(ast_tools.call("raised", ast_tools.load(record)))],
        # The location of the statement's own exit, so that no extra line is visited. A frame that an exception has left
        # reports this line.
        ast_tools.with_location(stamps.released(record), manager if sys.version_info >= (3, 13) else node),
    )
    return [
        ast_tools.with_location(stamps.begin(record, site, task, manager), manager),
        ast_tools.with_location(outer, ast_tools.NO_LOCATION),
    ]

"""Rewriting ``async with``: four stamps around it in the function's own frame.

Source in, code out. What Python says of a `with` of several items is done to it first: each item becomes a statement
within the one before. One statement then becomes

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
so that the statement itself stays Python's, with its suppression, its tracebacks and its line numbers. Stamps have no
line where they can go without, so that what watches lines (debuggers, coverage) is not led to one anew. A target that
is no plain name may fail to be assigned, which is a failure of the body: it is assigned in there.

The task is asked for at every entry; where a function enters more than once, once before the first, unless it is a
generator, which several tasks may advance.

Names. Locals start with "@tenure", which no program can write, and are hidden from ``locals()``, ``vars()`` and
``dir()``. What is called lies in ``builtins`` under such names (``HELPERS``): module globals are listed, copied and
star-imported by programs, builtins hardly ever. Where locals are not a function's (module and class bodies, `with`
only) and where Python's limit of 20 nested blocks would be passed, the manager is wrapped instead:
``traced(site, MANAGER)``.
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

VERSION = 3  # of the rewritten form: part of the bytecode cache's name
_LEVELS = 100, 3, 2, 1, 0  # statements nested in place, tried until the compiler finds no block too many
# That of 3.12.0 and 3.12.1 crashes instead of saying so (mended in 3.12.2), so there it never comes to that: only the
# outermost statement is in place, where that leaves Python's 20 blocks far away.
_CRASHES = (3, 12) <= sys.version_info < (3, 12, 2)
_FAR_AWAY = 12

_WITH = re.compile(rb"\bwith\b")
_ASYNC_WITH = re.compile(rb"\basync(?:[ \t\f]|\\\r?\n?)+with\b")
_ENCODING = re.compile(rb"(?:[^\r\n]*(?:\r\n?|\n))?[^\r\n]*?coding[:=][ \t]*([-\w.]+)")  # PEP 263
_LIKE_ASCII = (b"utf-8", b"utf8", b"latin", b"iso-8859", b"iso8859", b"ascii", b"cp125")


def mentions(source: bytes, *, sync: bool) -> bool:
    """Whether the source text may have statements to rewrite; where it has not, it can be compiled as it is."""
    return bool((_WITH if sync else _ASYNC_WITH).search(source)) or _is_veiled(source)


def rewrite(source: bytes, file: str, *, sync: bool = False, optimize: int = -1) -> CodeType:
    """Compile a module with its ``async with`` (and, with sync, its ``with``) recorded.

    Raises:
        SyntaxError, ValueError: as ``compile`` does of the source as it is.
    """
    if not mentions(source, sync=sync):
        return compile(source, file, "exec", dont_inherit=True, optimize=optimize)
    tree = cast("ast.Module", compile(source, file, "exec", ast.PyCF_ONLY_AST, dont_inherit=True))
    return compile_tree(tree, source, file, sync=sync, optimize=optimize)


def compile_tree(tree: ast.Module, source: bytes, file: str, *, sync: bool = False, optimize: int = -1) -> CodeType:
    """As ``rewrite``, of a module that was parsed from this source; the tree is changed, unless that fails."""
    lines = importlib.util.decode_source(source).split("\n")
    for levels in _levels(tree):
        rewriter = _Rewriter(tree, file, lines, sync=sync, levels=levels)
        try:
            rewriter.rewrite()
            return compile(tree, file, "exec", dont_inherit=True, optimize=optimize)
        except SyntaxError as error:
            rewriter.undo()
            if "nested blocks" not in str(error):
                break
        except Exception:
            rewriter.undo()
            raise
    return compile(tree, file, "exec", dont_inherit=True, optimize=optimize)


def _is_veiled(source: bytes) -> bool:
    """Whether the source declares an encoding in which its keywords need not be what they are in ASCII."""
    declared = _ENCODING.match(source)
    return declared is not None and not declared[1].lower().startswith(_LIKE_ASCII)


def _levels(tree: ast.AST) -> tuple[int, ...]:
    if not _CRASHES:
        return _LEVELS
    return _LEVELS[-2:] if ast_tools.nesting(tree) <= _FAR_AWAY else _LEVELS[-1:]


def visible(names: object) -> object:
    """What ``locals()``, ``vars()`` or ``dir()`` answered, without the names that rewriting brought in."""
    if isinstance(names, dict):
        for name in [name for name in names if isinstance(name, str) and name.startswith(PREFIX)]:
            del names[name]
    elif isinstance(names, list):
        names[:] = [name for name in names if not (isinstance(name, str) and name.startswith(PREFIX))]
    return names


HELPERS = {
    "begin": probe.begin,
    "body_raised": probe.body_raised,
    "current": tasks.current,
    "raised": probe.raised,
    "traced": traced,
    "visible": visible,
}


def provide_helpers() -> None:
    """Put what rewritten code calls where it finds it. It stays there: rewritten code may run until the very end."""
    helpers = {**HELPERS, "now": tracer.current.clock}
    for name, helper in helpers.items():
        setattr(builtins, f"{PREFIX}_{name}", helper)


def has_helpers() -> bool:
    """Whether rewritten code could run: recording began, or the helpers are there from before."""
    return hasattr(builtins, f"{PREFIX}_begin")


class _Scope:
    """A function, a class body or the module."""

    def __init__(self, name: str, function: Function | None = None) -> None:
        self.name = name
        self.function = function  # None: not a function's
        self.use: ast_tools.Use | None = None  # once a statement was found that enters anything

    def inner(self, node: Function | ast.ClassDef) -> _Scope:
        """That of a function or class in here, by its qualified name."""
        within = f"{self.name}.<locals>." if self.function is not None else f"{self.name}." if self.name else ""
        return _Scope(within + node.name, None if isinstance(node, ast.ClassDef) else node)

    @property
    def task_once(self) -> bool:
        return self.use is not None and self.use.entries > 1 and not self.use.yields


class _Rewriter:
    """Rewrites one module's tree in place, list of statements by list."""

    def __init__(self, tree: ast.Module, file: str, lines: list[str], *, sync: bool, levels: int) -> None:
        self._file, self._lines, self._levels = file, lines, levels
        self._kinds: tuple[type[Statement], ...] = (ast.AsyncWith, ast.With) if sync else (ast.AsyncWith,)
        self._waiting: list[tuple[list[ast.stmt], _Scope, int]] = [(tree.body, _Scope(""), 0)]
        self._functions: list[_Scope] = []  # that enter anything
        self._before: list[tuple[list[ast.stmt], list[ast.stmt]]] = []

    def rewrite(self) -> None:
        """Do it."""
        while self._waiting:
            self._list(*self._waiting.pop())
        for scope in self._functions:
            self._finish(scope)

    def undo(self) -> None:
        """Put the program's own statements back."""
        for statements, before in reversed(self._before):
            statements[:] = before

    def _list(self, statements: list[ast.stmt], scope: _Scope, level: int) -> None:
        out: list[ast.stmt] = []
        for statement in statements:
            if isinstance(statement, self._kinds):
                out += self._entering(statement, scope, level)
                continue
            out.append(statement)
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                self._waiting.append((statement.body, scope.inner(statement), 0))
            else:
                self._waiting += [(block, scope, level) for block in ast_tools.blocks(statement)]
        if out != statements:
            self._replace(statements, out)

    def _replace(self, statements: list[ast.stmt], new: list[ast.stmt]) -> None:
        self._before.append((statements, statements[:]))
        statements[:] = new

    def _entering(self, node: Statement, scope: _Scope, level: int) -> list[ast.stmt]:
        """A statement for each item, one within the other, and the body within the last."""
        if scope.function is not None and scope.use is None:
            scope.use = ast_tools.use_of(scope.function, self._kinds)
            self._functions.append(scope)
        body = node.body[:]
        self._waiting.append((body, scope, level + len(node.items)))
        for at in reversed(range(len(node.items))):
            body = self._item(node, node.items[at], body, scope, level + at)
        return body

    def _item(
        self, node: Statement, item: ast.withitem, body: list[ast.stmt], scope: _Scope, level: int
    ) -> list[ast.stmt]:
        manager, target = item.context_expr, item.optional_vars
        site = ast.Constant(self._site(manager, scope, isinstance(node, ast.With)))
        if scope.function is None or level >= self._levels:
            wrapped = ast.withitem(ast_tools.placed(ast_tools.call("traced", site, manager), manager), target)
            return [ast_tools.placed(type(node)([wrapped], body), node)]
        task = ast_tools.load("task") if scope.task_once else None
        return _in_place(node, site=site, task=task, manager=manager, target=target, body=body, level=level)

    def _site(self, expression: ast.expr, scope: _Scope, sync: bool) -> str:
        source = one_line(ast_tools.source_of(expression, self._lines))
        return Site(self._file, expression.lineno, scope.name or "<module>", source, sync).key()

    def _finish(self, scope: _Scope) -> None:
        """What a function needs that enters anything: its task, and ``locals()`` without our names."""
        function, use = scope.function, scope.use
        if function is None or use is None:
            return
        if scope.task_once:
            # Right before the first statement that enters anything: until then the program may name its task.
            first = function.body[use.first]
            asked = ast_tools.placed(ast_tools.assign("task", ast_tools.call("current")), first)
            self._replace(function.body, [*function.body[: use.first], asked, *function.body[use.first :]])
        for call in use.asking:
            answer = ast_tools.placed(ast.Call(call.func, [], []), call)
            call.func, call.args = ast_tools.placed(ast_tools.load("visible"), call), [answer]


def _in_place(
    node: Statement,
    *,
    site: ast.expr,
    task: ast.expr | None,
    manager: ast.expr,
    target: ast.expr | None,
    body: list[ast.stmt],
    level: int,
) -> list[ast.stmt]:
    """The form that the module's docstring shows."""
    record, value = f"record{level}", f"value{level}"
    late = target is not None and not isinstance(target, ast.Name)
    clear: list[ast.stmt] = []
    if late and target is not None:
        unpack = ast.Assign(
            [ast.Tuple([target, ast_tools.placed(ast_tools.store(value), ast_tools.NOWHERE)], ast.Store())],
            ast.Tuple([ast_tools.load(value), ast.Constant(None)], ast.Load()),
        )
        body.insert(0, ast_tools.placed(unpack, target))
        clear = [ast_tools.assign(value, ast.Constant(None))]
    inner = ast_tools.guarded(
        body,
        [*clear, ast.Expr(ast_tools.call("body_raised", ast_tools.load(record)))],
        stamps.release(record),
    )
    item = ast.withitem(ast_tools.placed(stamps.manager(record), manager), ast_tools.store(value) if late else target)
    stamped = [ast_tools.placed(stamps.acquired(record), ast_tools.NOWHERE), ast_tools.placed(inner, ast_tools.NOWHERE)]
    statement = type(node)([item], stamped)
    outer = ast_tools.guarded(
        [ast_tools.placed(statement, node)],
        [ast.Expr(ast_tools.call("raised", ast_tools.load(record)))],
        # Where the statement's own exit stands, so that no line is visited anew; a frame that an exception has left
        # says this line.
        ast_tools.placed(stamps.released(record), manager if sys.version_info >= (3, 13) else node),
    )
    return [
        ast_tools.placed(stamps.begin(record, site, task, manager), manager),
        ast_tools.placed(outer, ast_tools.NOWHERE),
    ]

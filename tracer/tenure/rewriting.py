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

so that the statement itself stays Python's, with its suppression, its tracebacks and its line numbers. A target that is
no plain name may fail to be assigned, which is a failure of the body: it is assigned in there.

The task is asked for at every entry; once for the function where it enters more than once and cannot be advanced by
several tasks, which a generator can.

Names. Locals start with "@tenure", which no program can write, and are hidden from ``locals()``, ``vars()`` and
``dir()``. What is called lies in ``builtins`` under such names (``HELPERS``): module globals are listed, copied and
star-imported by programs, builtins hardly ever. Where locals are not a function's (module and class bodies, `with`
only) and where Python's limit of 20 nested blocks would be passed, the manager is wrapped instead:
``traced(site, MANAGER)``.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from time import perf_counter_ns
from types import CodeType
from typing import TypeVar

from tenure import probe, tasks
from tenure.sites import Site, one_line
from tenure.tracking import traced

VERSION = 1  # of the rewritten form: part of the bytecode cache's name
PREFIX = "@tenure"
_LEVELS = (100, 3, 2, 1, 0)  # statements nested in place, tried until the compiler finds no block too many

_Node = TypeVar("_Node", bound=ast.AST)
Statement = ast.With | ast.AsyncWith
Function = ast.FunctionDef | ast.AsyncFunctionDef


def rewrite(source: bytes, file: str, *, sync: bool = False, optimize: int = -1) -> CodeType:
    """Compile a module with its ``async with`` (and, with sync, its ``with``) recorded.

    Raises:
        SyntaxError, ValueError: as ``compile`` does of the source as it is.
    """
    tree = ast.parse(source, file)
    if not any(isinstance(node, ast.AsyncWith) or (sync and isinstance(node, ast.With)) for node in ast.walk(tree)):
        return compile(tree, file, "exec", dont_inherit=True, optimize=optimize)
    text = source.decode(errors="replace")
    for levels in _LEVELS:
        rewritten = _Rewriter(file, text, sync, levels).visit(tree)
        try:
            return compile(rewritten, file, "exec", dont_inherit=True, optimize=optimize)
        except SyntaxError as error:
            if "nested blocks" not in str(error):
                raise
            tree = ast.parse(source, file)
    return compile(source, file, "exec", dont_inherit=True, optimize=optimize)


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
    "now": perf_counter_ns,
    "raised": probe.raised,
    "traced": traced,
    "visible": visible,
}


def provide_helpers() -> None:
    """Put what rewritten code calls where it finds it. It stays there: rewritten code may run until the very end."""
    for name, helper in HELPERS.items():
        setattr(builtins, f"{PREFIX}_{name}", helper)


class _Scope:
    """A function, a class body or the module, while its statements are visited."""

    def __init__(self, name: str, node: ast.AST, statements: list[Statement]) -> None:
        self.name = name
        self.in_function = isinstance(node, Function)
        self.statements = bool(statements) and self.in_function
        self.task_once = self.statements and not _yields(node) and _enters_more_than_once(node, statements)
        self.depth = 0


class _Rewriter(ast.NodeTransformer):
    def __init__(self, file: str, text: str, sync: bool, levels: int) -> None:
        self._file, self._text, self._sync, self._levels = file, text, sync, levels
        self._scopes: list[_Scope] = [_Scope("", ast.Module([], []), [])]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._inside(node, node.name)

    def visit_With(self, node: ast.With) -> ast.AST | list[ast.stmt]:
        return self._statement(node) if self._sync else self.generic_visit(node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST | list[ast.stmt]:
        return self._statement(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        asks = isinstance(node.func, ast.Name) and node.func.id in {"locals", "vars", "dir"}
        if not asks or node.args or node.keywords or not self._scopes[-1].statements:
            return node
        return _placed(_call("visible", node), node)

    def _function(self, node: Function) -> ast.AST:
        # Decorators, defaults and annotations are evaluated in the scope around the function.
        for field in ("decorator_list", "returns", "args"):
            value = getattr(node, field)
            if isinstance(value, list):
                value[:] = [self.visit(item) for item in value]
            elif value is not None:
                setattr(node, field, self.visit(value))
        scope = self._enter(node, node.name)
        node.body = self._body(node.body)
        self._scopes.pop()
        if scope.task_once:
            start = 1 if ast.get_docstring(node, clean=False) is not None else 0
            anchor = node.body[start] if start < len(node.body) else node.body[0]
            node.body.insert(start, _placed(_assign("task", _call("current")), anchor))
        return node

    def _inside(self, node: ast.ClassDef, name: str) -> ast.AST:
        for field in ("decorator_list", "bases", "keywords"):
            getattr(node, field)[:] = [self.visit(item) for item in getattr(node, field)]
        self._enter(node, name)
        node.body = self._body(node.body)
        self._scopes.pop()
        return node

    def _enter(self, node: ast.AST, name: str) -> _Scope:
        outer = self._scopes[-1]
        within = (
            f"{outer.name}.<locals>.{name}" if outer.in_function else f"{outer.name}.{name}" if outer.name else name
        )
        kinds = (ast.AsyncWith, ast.With) if self._sync else (ast.AsyncWith,)
        statements = [inner for inner in _own(node) if isinstance(inner, kinds)]
        scope = _Scope(within, node, statements)
        self._scopes.append(scope)
        return scope

    def _body(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for statement in statements:
            result = self.visit(statement)
            out.extend(result if isinstance(result, list) else [result])
        return out

    def _statement(self, node: Statement) -> list[ast.stmt]:
        return self._items(node, node.items)

    def _items(self, node: Statement, items: list[ast.withitem]) -> list[ast.stmt]:
        """The statement for the first of these items, with the rest and the body within."""
        scope = self._scopes[-1]
        first = items[0]
        site = ast.Constant(self._site(first.context_expr, isinstance(node, ast.With)))
        manager = self.visit(first.context_expr)
        target = self.visit(first.optional_vars) if first.optional_vars is not None else None
        level = scope.depth
        scope.depth += 1
        body = self._items(node, items[1:]) if len(items) > 1 else self._body(node.body)
        scope.depth -= 1
        if not scope.in_function or level >= self._levels:
            item = ast.withitem(_placed(_call("traced", site, manager), first.context_expr), target)
            return [_placed(type(node)([item], body), node)]
        task = _load("task") if scope.task_once else _call("current")
        return _in_place(node, site=site, task=task, manager=manager, target=target, body=body, level=level)

    def _site(self, expression: ast.expr, sync: bool) -> str:
        source = ast.get_source_segment(self._text, expression) or ast.unparse(expression)
        return Site(self._file, expression.lineno, self._scopes[-1].name or "<module>", one_line(source), sync).key()


def _in_place(
    node: Statement,
    *,
    site: ast.expr,
    task: ast.expr,
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
            [ast.Tuple([target, _store(value)], ast.Store())],
            ast.Tuple([_load(value), ast.Constant(None)], ast.Load()),
        )
        body = [_placed(unpack, target), *body]
        clear = [_assign(value, ast.Constant(None))]
    inner = _guarded(body, [*clear, _expression(_call("body_raised", _load(record)))], _stamp(record, probe.RELEASE))
    popped = ast.Call(ast.Attribute(_load(record), "pop", ast.Load()), [], [])
    item = ast.withitem(_placed(popped, manager), _store(value) if late else target)
    statement = type(node)([item], [_placed(_stamp(record, probe.ACQUIRED), node), _placed(inner, node)])
    outer = _guarded(
        [_placed(statement, node)], [_expression(_call("raised", _load(record)))], _stamp(record, probe.RELEASED)
    )
    return [_placed(_assign(record, _call("begin", site, task, manager)), node), _placed(outer, node)]


def _guarded(body: list[ast.stmt], on_error: list[ast.stmt], at_end: ast.stmt) -> ast.Try:
    return ast.Try(body, [ast.ExceptHandler(None, None, [*on_error, ast.Raise()])], [], [at_end])


def _placed(new: _Node, like: ast.AST) -> _Node:
    """Give every new node in here the place of another, so that lines and columns stay the source's."""
    for node in ast.walk(new):
        if isinstance(node, ast.expr | ast.stmt | ast.excepthandler) and not hasattr(node, "lineno"):
            ast.copy_location(node, like)
    return new


def _load(name: str) -> ast.Name:
    return ast.Name(f"{PREFIX}_{name}", ast.Load())


def _store(name: str) -> ast.Name:
    return ast.Name(f"{PREFIX}_{name}", ast.Store())


def _call(helper: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(_load(helper), list(arguments), [])


def _assign(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([_store(name)], value)


def _expression(value: ast.expr) -> ast.Expr:
    return ast.Expr(value)


def _stamp(record: str, place: int) -> ast.Assign:
    return ast.Assign([ast.Subscript(_load(record), ast.Constant(place), ast.Store())], _call("now"))


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a body without those of the functions and classes in it."""
    waiting: list[ast.AST] = list(getattr(node, "body", ()))
    while waiting:
        inner = waiting.pop()
        yield inner
        if not isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(inner))


def _yields(function: ast.AST) -> bool:
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in _own(function))


def _enters_more_than_once(function: ast.AST, statements: list[Statement]) -> bool:
    loops = ast.For | ast.AsyncFor | ast.While
    return sum(len(statement.items) for statement in statements) > 1 or any(
        inner in statements for loop in _own(function) if isinstance(loop, loops) for inner in ast.walk(loop)
    )

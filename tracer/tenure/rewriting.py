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

(with the Python probe; ``tenure.stamping`` shows the stamps of the native one),
so that the statement itself stays Python's, with its suppression, its tracebacks and its line numbers. A target that is
no plain name may fail to be assigned, which is a failure of the body: it is assigned in there.

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
import sys
from time import perf_counter_ns
from types import CodeType

from tenure import probe, stamping, syntax, tasks
from tenure.sites import Site, one_line
from tenure.syntax import PREFIX, Function, Statement
from tenure.tracking import traced

VERSION = 3  # of the rewritten form: part of the bytecode cache's name
# Statements nested in place, tried until the compiler finds no block too many. That of 3.12.0 and 3.12.1 crashes
# instead of saying so (mended in 3.12.2), so there only the outermost is.
_LEVELS = (1, 0) if (3, 12) <= sys.version_info < (3, 12, 2) else (100, 3, 2, 1, 0)


def rewrite(source: bytes, file: str, *, sync: bool = False, optimize: int = -1) -> CodeType:
    """Compile a module with its ``async with`` (and, with sync, its ``with``) recorded.

    Raises:
        SyntaxError, ValueError: as ``compile`` does of the source as it is.
    """
    tree = ast.parse(source, file)
    if not any(isinstance(node, ast.AsyncWith) or (sync and isinstance(node, ast.With)) for node in ast.walk(tree)):
        return compile(tree, file, "exec", dont_inherit=True, optimize=optimize)
    lines = importlib.util.decode_source(source).split("\n")
    for levels in _LEVELS:
        rewritten = _Rewriter(file, lines, sync, levels).visit(tree)
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
        self.entering = statements if self.in_function else []
        self.task_once = (
            bool(self.entering) and not syntax.yields(node) and syntax.enters_more_than_once(node, statements)
        )
        self.depth = 0


class _Rewriter(ast.NodeTransformer):
    def __init__(self, file: str, lines: list[str], sync: bool, levels: int) -> None:
        self._file, self._lines, self._sync, self._levels = file, lines, sync, levels
        self._scopes: list[_Scope] = [_Scope("", ast.Module([], []), [])]

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        for field in (node.decorator_list, node.bases, node.keywords):
            field[:] = [self.visit(item) for item in field]
        self._enter(node, node.name)
        node.body = self._body(node.body)
        self._scopes.pop()
        return node

    def visit_With(self, node: ast.With) -> ast.AST | list[ast.stmt]:
        return self._items(node, node.items) if self._sync else self.generic_visit(node)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> ast.AST | list[ast.stmt]:
        return self._items(node, node.items)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        asks = isinstance(node.func, ast.Name) and node.func.id in {"locals", "vars", "dir"}
        if not asks or node.args or node.keywords or not self._scopes[-1].entering:
            return node
        return syntax.placed(syntax.call("visible", node), node)

    def _function(self, node: Function) -> ast.AST:
        # Decorators, defaults and annotations are evaluated in the scope around the function.
        for field in ("decorator_list", "returns", "args"):
            value = getattr(node, field)
            if isinstance(value, list):
                value[:] = [self.visit(item) for item in value]
            elif value is not None:
                setattr(node, field, self.visit(value))
        scope = self._enter(node, node.name)
        if scope.task_once:
            # Right before the first statement that enters anything: until then the program may name its task.
            at = next(at for at, inner in enumerate(node.body) if any(s in scope.entering for s in ast.walk(inner)))
            asked = syntax.placed(syntax.assign("task", syntax.call("current")), node.body[at])
            node.body = [*self._body(node.body[:at]), asked, *self._body(node.body[at:])]
        else:
            node.body = self._body(node.body)
        self._scopes.pop()
        return node

    def _enter(self, node: ast.AST, name: str) -> _Scope:
        outer = self._scopes[-1]
        within = (
            f"{outer.name}.<locals>.{name}" if outer.in_function else f"{outer.name}.{name}" if outer.name else name
        )
        kinds = (ast.AsyncWith, ast.With) if self._sync else (ast.AsyncWith,)
        statements = [inner for inner in syntax.own(node) if isinstance(inner, kinds)]
        scope = _Scope(within, node, statements)
        self._scopes.append(scope)
        return scope

    def _body(self, statements: list[ast.stmt]) -> list[ast.stmt]:
        out: list[ast.stmt] = []
        for statement in statements:
            result = self.visit(statement)
            out.extend(result if isinstance(result, list) else [result])
        return out

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
            item = ast.withitem(syntax.placed(syntax.call("traced", site, manager), first.context_expr), target)
            return [syntax.placed(type(node)([item], body), node)]
        task = syntax.load("task") if scope.task_once else None
        return _in_place(node, site=site, task=task, manager=manager, target=target, body=body, level=level)

    def _site(self, expression: ast.expr, sync: bool) -> str:
        source = one_line(syntax.source_of(expression, self._lines))
        return Site(self._file, expression.lineno, self._scopes[-1].name or "<module>", source, sync).key()


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
            [ast.Tuple([target, syntax.store(value)], ast.Store())],
            ast.Tuple([syntax.load(value), ast.Constant(None)], ast.Load()),
        )
        body = [syntax.placed(unpack, target), *body]
        clear = [syntax.assign(value, ast.Constant(None))]
    inner = syntax.guarded(
        body,
        [*clear, ast.Expr(syntax.call("body_raised", syntax.load(record)))],
        stamping.release(record),
    )
    item = ast.withitem(syntax.placed(stamping.manager(record), manager), syntax.store(value) if late else target)
    statement = type(node)([item], [syntax.placed(stamping.acquired(record), node), syntax.placed(inner, node)])
    outer = syntax.guarded(
        [syntax.placed(statement, node)],
        [ast.Expr(syntax.call("raised", syntax.load(record)))],
        stamping.released(record),
    )
    return [
        syntax.placed(stamping.begin(record, site, task, manager), node),
        syntax.placed(outer, node),
    ]

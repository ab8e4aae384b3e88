"""Syntax trees: the nodes that rewriting inserts, and the analysis of a function.

Nothing here recurses: a program may nest its expressions as deeply as Python's own compiler allows.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

PREFIX = "@tenure"  # of every name that rewriting adds; no program can write it

_Node = TypeVar("_Node", bound=ast.AST)
Statement = ast.With | ast.AsyncWith
Function = ast.FunctionDef | ast.AsyncFunctionDef

_LOOPS = ast.For | ast.AsyncFor | ast.While
# The fields that contain statements, or handlers and cases that contain statements.
_STATEMENT_FIELDS: dict[type, tuple[str, ...]] = {
    **dict.fromkeys((ast.If, ast.For, ast.AsyncFor, ast.While), ("body", "orelse")),
    **dict.fromkeys((ast.Try, ast.TryStar), ("body", "handlers", "orelse", "finalbody")),
    **dict.fromkeys((ast.With, ast.AsyncWith), ("body",)),
    ast.Match: ("cases",),
}
# The fields of a function or class that belong to the scope around it.
_ENCLOSING_SCOPE_FIELDS: dict[type, tuple[str, ...]] = {
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef), ("decorator_list", "args", "returns")),
    ast.ClassDef: ("decorator_list", "bases", "keywords"),
    ast.Lambda: ("args",),
}
NO_LOCATION = ast.Pass(lineno=-1, col_offset=-1, end_lineno=-1, end_col_offset=-1)  # causes no line event
_LEAVES = {ast.Name, ast.Constant, ast.Load, ast.Store, ast.Pass}  # most nodes; they contain no statement or call


def source_segment(expression: ast.expr, lines: list[str]) -> str:
    """Return the expression's source text; columns count UTF-8 bytes."""
    first, last = expression.lineno - 1, (expression.end_lineno or expression.lineno) - 1
    text = [line.encode() for line in lines[first : last + 1]]
    text[-1] = text[-1][: expression.end_col_offset]
    text[0] = text[0][expression.col_offset :]
    return b"\n".join(text).decode()


def try_statement(body: list[ast.stmt], on_error: list[ast.stmt], at_end: ast.stmt) -> ast.Try:
    return ast.Try(body, [ast.ExceptHandler(None, None, [*on_error, ast.Raise()])], [], [at_end])


def with_location(new: _Node, like: ast.AST) -> _Node:
    """Give every new node in here the location of another, so that lines and columns stay those of the source.

    A node that has a location is the program's own, or got one before, with all its children.
    """
    location = {name: getattr(like, name) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")}
    waiting: list[ast.AST] = [new]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.expr | ast.stmt | ast.excepthandler):
            if hasattr(node, "lineno"):
                continue
            vars(node).update(location)
        waiting.extend(ast.iter_child_nodes(node))
    return new


def load(name: str) -> ast.Name:
    return ast.Name(f"{PREFIX}_{name}", ast.Load())


def store(name: str) -> ast.Name:
    return ast.Name(f"{PREFIX}_{name}", ast.Store())


def call(helper: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(load(helper), list(arguments), [])


def assign(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([store(name)], value)


def stamp(record: str, place: int) -> ast.Assign:
    return ast.Assign([ast.Subscript(load(record), ast.Constant(place), ast.Store())], call("now"))


def blocks(statement: ast.stmt) -> Iterator[list[ast.stmt]]:
    """Yield the lists of statements in a compound statement, except those of functions and classes."""
    for field in _STATEMENT_FIELDS.get(type(statement), ()):
        content = getattr(statement, field)
        if field in {"handlers", "cases"}:
            yield from (clause.body for clause in content)
        elif content:
            yield content


class FunctionUsage(NamedTuple):
    """How a function uses ``with`` in its own body, without the functions and classes in it."""

    first: int  # index in the body of the first statement that enters a manager
    entries: int  # managers that it enters; one in a loop counts twice
    yields: bool
    locals_calls: list[ast.Call]  # calls of locals(), vars() and dir() that return the function's names


def function_usage(function: Function, kinds: tuple[type[ast.AST], ...]) -> FunctionUsage:
    """Analyse a function that has at least one statement of these kinds."""
    first, entries, yields = -1, 0, False
    locals_calls: list[ast.Call] = []
    waiting: list[tuple[ast.AST, int, bool]] = [(node, at, False) for at, node in enumerate(function.body)]
    while waiting:
        node, at, repeats = waiting.pop()
        if isinstance(node, kinds) and isinstance(node, ast.With | ast.AsyncWith):
            entries += len(node.items) * (2 if repeats else 1)
            first = at if first < 0 else min(first, at)
        elif isinstance(node, ast.Yield | ast.YieldFrom):
            yields = True
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == f"{PREFIX}_visible":  # rewritten before, with another limit for nested statements
                continue
            if node.func.id in {"locals", "vars", "dir"} and not (node.args or node.keywords):
                locals_calls.append(node)
        within = repeats or isinstance(node, _LOOPS)
        waiting += [(child, at, within) for child in _own_children(node) if type(child) not in _LEAVES]
    return FunctionUsage(first, entries, yields, locals_calls)


def _own_children(node: ast.AST) -> Iterator[ast.AST]:
    fields = _ENCLOSING_SCOPE_FIELDS.get(type(node))
    if fields is None:
        yield from ast.iter_child_nodes(node)
        return
    for field in fields:
        value = getattr(node, field)
        yield from value if isinstance(value, list) else [value] if value is not None else ()


def block_depth(tree: ast.AST) -> int:
    """Return an upper bound of the nested blocks, as Python's compiler counts them, around the innermost statement."""
    deepest = 0
    waiting: list[tuple[ast.AST, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, ast.With | ast.AsyncWith):
            depth += len(node.items)
        elif isinstance(node, ast.Try | ast.TryStar):
            depth += 3  # within a handler: the handler, the cleanup of its name, and `finally`
        elif isinstance(node, ast.For | ast.AsyncFor | ast.While | ast.comprehension):
            depth += 1
        deepest = max(deepest, depth)
        waiting += [(child, depth) for child in ast.iter_child_nodes(node)]
    return deepest

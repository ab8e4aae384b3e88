"""Syntax trees: the pieces that rewriting puts in, and what it asks of a function.

Nothing here recurses: a program may nest its expressions as deep as Python's own compiler goes.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

PREFIX = "@tenure"  # of every name that rewriting brings in; no program can write it

_Node = TypeVar("_Node", bound=ast.AST)
Statement = ast.With | ast.AsyncWith
Function = ast.FunctionDef | ast.AsyncFunctionDef

_LOOPS = ast.For | ast.AsyncFor | ast.While
# The fields that hold statements, or what holds statements.
_FIELDS: dict[type, tuple[str, ...]] = {
    **dict.fromkeys((ast.If, ast.For, ast.AsyncFor, ast.While), ("body", "orelse")),
    **dict.fromkeys((ast.Try, ast.TryStar), ("body", "handlers", "orelse", "finalbody")),
    **dict.fromkeys((ast.With, ast.AsyncWith), ("body",)),
    ast.Match: ("cases",),
}
# What of a function or class belongs to the scope around it.
_OUTSIDE: dict[type, tuple[str, ...]] = {
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef), ("decorator_list", "args", "returns")),
    ast.ClassDef: ("decorator_list", "bases", "keywords"),
    ast.Lambda: ("args",),
}
NOWHERE = ast.Pass(lineno=-1, col_offset=-1, end_lineno=-1, end_col_offset=-1)  # what has no line visits none
_LEAVES = {ast.Name, ast.Constant, ast.Load, ast.Store, ast.Pass}  # most nodes, and nothing is in them


def source_of(expression: ast.expr, lines: list[str]) -> str:
    """The expression's source text; columns count UTF-8 bytes."""
    first, last = expression.lineno - 1, (expression.end_lineno or expression.lineno) - 1
    text = [line.encode() for line in lines[first : last + 1]]
    text[-1] = text[-1][: expression.end_col_offset]
    text[0] = text[0][expression.col_offset :]
    return b"\n".join(text).decode()


def guarded(body: list[ast.stmt], on_error: list[ast.stmt], at_end: ast.stmt) -> ast.Try:
    return ast.Try(body, [ast.ExceptHandler(None, None, [*on_error, ast.Raise()])], [], [at_end])


def placed(new: _Node, like: ast.AST) -> _Node:
    """Give every new node in here the place of another, so that lines and columns stay the source's.

    What has a place is the program's, or was placed before, with all that is in it.
    """
    place = {name: getattr(like, name) for name in ("lineno", "col_offset", "end_lineno", "end_col_offset")}
    waiting: list[ast.AST] = [new]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.expr | ast.stmt | ast.excepthandler):
            if hasattr(node, "lineno"):
                continue
            vars(node).update(place)
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
    """The lists of statements in a compound statement; those of functions and classes are not."""
    for field in _FIELDS.get(type(statement), ()):
        content = getattr(statement, field)
        if field in {"handlers", "cases"}:
            yield from (one.body for one in content)
        elif content:
            yield content


class Use(NamedTuple):
    """What a function does, in its own body and not in the functions and classes in it."""

    first: int  # place in the body of the first statement that enters anything
    entries: int  # managers that it enters; one in a loop counts twice
    yields: bool
    asking: list[ast.Call]  # calls of locals(), vars() and dir() that ask for the function's names


def use_of(function: Function, kinds: tuple[type[ast.AST], ...]) -> Use:
    """How this function uses statements of these kinds, at least one of them."""
    first, entries, yields = -1, 0, False
    asking: list[ast.Call] = []
    waiting: list[tuple[ast.AST, int, bool]] = [(node, at, False) for at, node in enumerate(function.body)]
    while waiting:
        node, at, repeats = waiting.pop()
        if isinstance(node, kinds) and isinstance(node, ast.With | ast.AsyncWith):
            entries += len(node.items) * (2 if repeats else 1)
            first = at if first < 0 else min(first, at)
        elif isinstance(node, ast.Yield | ast.YieldFrom):
            yields = True
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == f"{PREFIX}_visible":  # rewritten before, at another level
                continue
            if node.func.id in {"locals", "vars", "dir"} and not (node.args or node.keywords):
                asking.append(node)
        within = repeats or isinstance(node, _LOOPS)
        waiting += [(child, at, within) for child in _own_children(node) if type(child) not in _LEAVES]
    return Use(first, entries, yields, asking)


def _own_children(node: ast.AST) -> Iterator[ast.AST]:
    fields = _OUTSIDE.get(type(node))
    if fields is None:
        yield from ast.iter_child_nodes(node)
        return
    for field in fields:
        value = getattr(node, field)
        yield from value if isinstance(value, list) else [value] if value is not None else ()


def nesting(tree: ast.AST) -> int:
    """How many of Python's blocks the innermost statement in here stands in, at most."""
    deepest = 0
    waiting: list[tuple[ast.AST, int]] = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, ast.With | ast.AsyncWith):
            depth += len(node.items)
        elif isinstance(node, ast.Try | ast.TryStar):
            depth += 3  # within a handler: the handler, its name's end, and `finally`
        elif isinstance(node, ast.For | ast.AsyncFor | ast.While | ast.comprehension):
            depth += 1
        deepest = max(deepest, depth)
        waiting += [(child, depth) for child in ast.iter_child_nodes(node)]
    return deepest

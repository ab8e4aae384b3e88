"""Syntax trees: the pieces that rewriting puts in, and what it asks of a function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import TypeVar

PREFIX = "@tenure"  # of every name that rewriting brings in; no program can write it

_Node = TypeVar("_Node", bound=ast.AST)
Statement = ast.With | ast.AsyncWith
Function = ast.FunctionDef | ast.AsyncFunctionDef


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
    """Give every new node in here the place of another, so that lines and columns stay the source's."""
    for node in ast.walk(new):
        if isinstance(node, ast.expr | ast.stmt | ast.excepthandler) and not hasattr(node, "lineno"):
            ast.copy_location(node, like)
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


def own(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a body without those of the functions and classes in it."""
    waiting: list[ast.AST] = list(getattr(node, "body", ()))
    while waiting:
        inner = waiting.pop()
        yield inner
        if not isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(inner))


def yields(function: ast.AST) -> bool:
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in own(function))


def enters_more_than_once(function: ast.AST, statements: list[Statement]) -> bool:
    loops = ast.For | ast.AsyncFor | ast.While
    return sum(len(statement.items) for statement in statements) > 1 or any(
        inner in statements for loop in own(function) if isinstance(loop, loops) for inner in ast.walk(loop)
    )

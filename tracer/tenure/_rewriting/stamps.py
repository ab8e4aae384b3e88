"""The stamps in rewritten code: one form for each probe.

                              Python probe                              native probe
    an item is reached        record = begin(site, task, MANAGER)       record = begin(site, MANAGER, task)
    the manager to enter      record.pop()                              +record
    it was entered            record[ACQUIRED] = now()                  -record
    the body was left         record[RELEASE] = now()                   -record
    ... in a generator        leaving(record, None)                     leaving(record, None)
    the statement was left    record[RELEASED] = now()                  ~record

The native probe's records are stamped by operators, the shortest path from bytecode to C. If the function did not look
up its task before, the Python probe's `task` is ``current()``. The native probe then gets no `task` and looks it up.
"""

from __future__ import annotations

import ast

from tenure._core import probe_backend
from tenure._core.record_layout import ACQUIRED, RELEASE, RELEASED
from tenure._rewriting import ast_tools


def begin(record: str, site: ast.expr, task: ast.expr | None, manager: ast.expr) -> ast.stmt:
    """Make the statement that creates an item's record; ``task`` None: the function has not looked it up."""
    if probe_backend.SERVES:
        return ast_tools.assign(record, ast_tools.call("begin", site, manager, *([task] if task is not None else [])))
    return ast_tools.assign(record, ast_tools.call("begin", site, task or ast_tools.call("current"), manager))


def manager(record: str) -> ast.expr:
    """Make the expression whose value is the manager, for the statement to enter."""
    if probe_backend.SERVES:
        return ast.UnaryOp(ast.UAdd(), ast_tools.load(record))
    return ast.Call(ast.Attribute(ast_tools.load(record), "pop", ast.Load()), [], [])


def acquired(record: str) -> ast.stmt:
    """Make the stamp after ``__aenter__`` returned."""
    return _operator(ast.USub(), record) if probe_backend.SERVES else ast_tools.stamp(record, ACQUIRED)


def release(record: str, *, any_task: bool) -> ast.stmt:
    """Make the stamp after the body was left; ``any_task``: perhaps by another task than the one that entered."""
    if any_task:
        return ast.Expr(ast_tools.call("leaving", ast_tools.load(record), ast.Constant(None)))
    return _operator(ast.USub(), record) if probe_backend.SERVES else ast_tools.stamp(record, RELEASE)


def released(record: str) -> ast.stmt:
    """Make the stamp after the statement was left."""
    return _operator(ast.Invert(), record) if probe_backend.SERVES else ast_tools.stamp(record, RELEASED)


def _operator(operator: ast.unaryop, record: str) -> ast.stmt:
    return ast.Expr(ast.UnaryOp(operator, ast_tools.load(record)))

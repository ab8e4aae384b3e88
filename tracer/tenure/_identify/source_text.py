"""The line and the manager's source text at an instruction of code that was not rewritten.

This walks the code and reads the source file, so it is called where the program does not wait for it.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import textwrap
import tokenize
from itertools import islice
from opcode import opmap
from types import CodeType

_Position = tuple[int | None, int | None, int | None, int | None]

_UNIT = 2  # bytes of an instruction
_ENTRIES = frozenset(opmap[name] for name in ("BEFORE_ASYNC_WITH", "BEFORE_WITH") if name in opmap)  # until 3.13
_ASSIGNMENT = re.compile(r"\s*([\w.]+)\s*(?::[^=]*)?=\s*(?:await\s+)?$")
_HEADER = 60  # lines that the items of a statement may take; its body is not parsed
# Functions whose first argument is what they enter or acquire.
_ON_BEHALF = frozenset({"enter_async_context", "enter_context", "wait_for", "shield", "create_task", "ensure_future"})

_RUNS_A_VARIABLE = re.compile(
    r"await\s+\w+|(?:await\s+)?[\w.]*\b(?:wait_for|shield|create_task|ensure_future)\(\w+\b.*", re.DOTALL
)


def at(code: CodeType, offset: int) -> tuple[int, str]:
    """The line of the instruction at a byte offset, and the manager's source text.

    The text is "" where the interpreter does not know the columns (PEP 657), or there is no source.
    """
    position = line, end_line, column, end_column = _position(code, offset)
    expression = ""
    if line and end_line and column is not None and end_column is not None:
        lines = [linecache.getline(code.co_filename, number).encode() for number in range(line, end_line + 1)]
        lines[-1] = lines[-1][:end_column]
        lines[0] = lines[0][column:]
        text = b"".join(lines).decode(errors="replace").strip()
        if text.startswith(("async with", "with")):
            expression = _item(text, code, offset, position)
        else:
            expression = _entered(text.removeprefix("await "))
            if _RUNS_A_VARIABLE.fullmatch(text):
                line, expression = _call_of(code, expression) or (line, expression)
    return line or code.co_firstlineno, expression


def target(code: CodeType, offset: int) -> str:
    """What the value of the call at a byte offset is assigned to: ``self._client`` for ``self._client = connect()``.

    "" where it is no statement's whole value, or has more than one target.
    """
    line, _, column, _ = _position(code, offset)
    if not line or column is None:
        return ""
    before = linecache.getline(code.co_filename, line).encode()[:column].decode(errors="replace")
    match = _ASSIGNMENT.match(before)
    return match[1] if match is not None else ""


def _position(code: CodeType, offset: int) -> _Position:
    index = offset // _UNIT
    return next(islice(code.co_positions(), index, index + 1), (None, None, None, None)) if index >= 0 else (None,) * 4


def _items_before(code: CodeType, offset: int, position: _Position) -> int:
    """How many items of the statement at this offset were entered before: until 3.13 all have its whole position."""
    instructions = code.co_code[:offset:_UNIT]
    positions = enumerate(islice(code.co_positions(), len(instructions)))
    same = (index for index, other in positions if other == position)
    return max(sum(instructions[index] in _ENTRIES for index in same) - 1, 0)


def _entered(text: str) -> str:
    """The manager within ``stack.enter_async_context(manager)`` and its like; else the text."""
    try:
        node: ast.expr = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return ""
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if node.args and called in _ON_BEHALF and not _has_a_predicate(node):
            return ast.get_source_segment(text, node.args[0]) or ""
        if isinstance(node.func, ast.Attribute) and called in {"__aenter__", "__enter__"}:
            return ast.get_source_segment(text, node.func.value) or ""
    return text


def _has_a_predicate(call: ast.Call) -> bool:
    """Whether it is ``condition.wait_for(predicate)``, not ``asyncio.wait_for(awaitable)``."""
    method = call.func
    if not isinstance(method, ast.Attribute) or method.attr != "wait_for" or isinstance(call.args[0], ast.Call):
        return False
    return not (isinstance(method.value, ast.Name) and method.value.id == "asyncio")


def _call_of(code: CodeType, name: str) -> tuple[int, str] | None:
    """The line and the text of the call that a variable stands for: ``call = pool.fetch(query)``, then ``await call``.

    None where the function gives the variable another value too, or it is not a function's own.
    """
    if name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
        return None
    lines = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 :]
    try:
        text = textwrap.dedent("".join(lines if code.co_name == "<module>" else inspect.getblock(lines)))
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, tokenize.TokenError):
        return None
    stored = [node for node in nodes if isinstance(node, ast.Name) and node.id == name and type(node.ctx) is ast.Store]
    values = [node.value for node in nodes if isinstance(node, ast.Assign) and node.targets == stored]
    if len(values) != 1 or not isinstance(values[0], ast.Call):
        return None
    expression = ast.get_source_segment(text, values[0]) or ""
    return code.co_firstlineno - 1 + values[0].lineno, expression


def _item(statement: str, code: CodeType, offset: int, position: _Position) -> str:
    header, node = _header(statement)
    if node is None:
        return _entered(statement)
    number = _items_before(code, offset, position) if len(node.items) > 1 else 0
    if number >= len(node.items):
        return ""
    return ast.get_source_segment(header, node.items[number].context_expr) or ""


def _header(statement: str) -> tuple[str, ast.With | ast.AsyncWith | None]:
    """The lines of a statement up to the end of its items, however long its body is."""
    lines = statement.splitlines(keepends=True)
    for count in range(1, min(len(lines), _HEADER) + 1):
        header = "".join(lines[:count])
        for text in (header, f"{header}\n pass"):
            try:
                node = ast.parse(text).body[0]
            except (SyntaxError, ValueError):
                continue
            return text, node if isinstance(node, ast.With | ast.AsyncWith) else None
    return "", None

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
                line, expression = _call_of(code, expression, line) or (line, expression)
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


def _call_of(code: CodeType, name: str, line: int) -> tuple[int, str] | None:
    """The line and the text of the call that a variable stands for: ``call = pool.fetch(query)``, then ``await call``.

    None where the variable may have another value at this line, or it is not a function's own.
    """
    if name in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]:
        return None
    lines = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 :]
    try:
        text = textwrap.dedent("".join(lines if code.co_name == "<module>" else inspect.getblock(lines)))
        tree = ast.parse(text)
    except (SyntaxError, ValueError, tokenize.TokenError):
        return None
    stores = [node for node in ast.walk(tree) if _is_stored(node, name)]
    value = _value_of(tree, name, line - code.co_firstlineno + 1, stores)
    if not isinstance(value, ast.Call):
        return None
    return code.co_firstlineno - 1 + value.lineno, ast.get_source_segment(text, value) or ""


def _value_of(tree: ast.AST, name: str, line: int, stores: list[ast.AST]) -> ast.expr | None:
    """What the variable was assigned before this line, by its only assignment or by the last one of the same block."""
    if len(stores) == 1:
        values = [node.value for node in ast.walk(tree) if isinstance(node, ast.Assign) and node.targets == stores]
        return values[0] if values else None
    block = tree
    while True:
        bodies = [body for _, body in ast.iter_fields(block) if isinstance(body, list)]
        inner = [(body, node) for body in bodies for node in body if _spans(node, line)]
        if not inner:
            return None
        body, block = inner[-1]
        for node in reversed(body[: body.index(block)]):
            if not any(_is_stored(child, name) for child in ast.walk(node)):
                continue
            if not isinstance(node, ast.Assign) or not all(_is_stored(target, name) for target in node.targets):
                break
            if not any(_is_stored(child, name) for child in ast.walk(block)):
                return node.value
            break


def _is_stored(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name and type(node.ctx) is ast.Store


def _spans(node: object, line: int) -> bool:
    return isinstance(node, ast.stmt | ast.excepthandler) and node.lineno <= line <= (node.end_lineno or node.lineno)


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

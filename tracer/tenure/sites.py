"""Where an ``async with`` stands, as one string.

A site travels through rewritten code as a single string constant, so that it survives the bytecode cache, costs nothing
to pass and is a dictionary key whose hash is computed once. ``Site.of`` reads it back off the hot path.
"""

from __future__ import annotations

import ast
import dis
import functools
import linecache
from types import CodeType
from typing import NamedTuple

_SEPARATOR = "\x1f"
MAX_EXPRESSION = 200  # characters of source text that are kept
_ENTRIES = frozenset({"BEFORE_ASYNC_WITH", "BEFORE_WITH"})  # until 3.13; afterwards an item's code has its own position
# Functions whose first argument is what they enter or acquire.
_ON_BEHALF = frozenset({"enter_async_context", "enter_context", "wait_for", "shield", "create_task", "ensure_future"})
# Methods whose result is a handle on the object they were called on: the resource of `pool.acquire()` is `pool`.
TAKERS = frozenset(
    {"acquire", "acquire_nowait", "connect", "connection", "get", "getconn", "begin", "checkout", "lock", "session"}
)


class Site(NamedTuple):
    """A site's parts: file, line from 1, the enclosing function's qualified name, the manager's source text.

    ``via``: what a library enters on behalf of the program's line; such a site is another one than the line's own.
    """

    file: str
    line: int
    function: str
    expression: str
    sync: bool = False  # `with`
    via: str = ""

    def key(self) -> str:
        """The string by which rewritten code and records name this site."""
        file = self.file.replace(_SEPARATOR, "?")
        parts = (file, str(self.line), self.function, self.expression, "sync" * self.sync)
        return _SEPARATOR.join((*parts, self.via) if self.via else parts)

    @classmethod
    def of(cls, key: str) -> Site:
        """The site that ``key()`` made this string from."""
        return _of_key(key)


@functools.lru_cache(maxsize=4096)
def _of_key(key: str) -> Site:
    file, line, function, expression, sync, *via = key.split(_SEPARATOR)
    return Site(file, int(line), function, expression, bool(sync), "".join(via))


def in_code(code: CodeType) -> set[str]:
    """The keys of the sites that rewritten code records, the functions in it included."""
    found: set[str] = set()
    start = Site(code.co_filename, 0, "", "").key().partition(_SEPARATOR)[0] + _SEPARATOR
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            found |= in_code(constant)
        elif isinstance(constant, str) and constant.startswith(start):
            found.add(constant)
    return found


def one_line(source: str) -> str:
    """An expression's source text on one line, cut to MAX_EXPRESSION characters."""
    text = " ".join(source.replace(_SEPARATOR, " ").split())
    return text if len(text) <= MAX_EXPRESSION else text[: MAX_EXPRESSION - 1] + "…"


def of_instruction(code: CodeType, offset: int, via: str = "") -> str:
    """The key of the site at a byte offset of code that was not rewritten: ``frame.f_code`` and ``frame.f_lasti``.

    The expression is cut out of the source text where the interpreter knows the columns (PEP 657), else it is "".
    """
    # Code of two files is equal where it does the same on the same lines.
    return _of_instruction(code, code.co_filename, code.co_qualname, code.co_linetable, offset, via)


@functools.lru_cache(maxsize=4096)
def _of_instruction(code: CodeType, file: str, function: str, _: bytes, offset: int, via: str) -> str:
    line, end_line, column, end_column = _position(code, offset)
    expression = ""
    if line and end_line and column is not None and end_column is not None:
        lines = [linecache.getline(file, number).encode() for number in range(line, end_line + 1)]
        lines[-1] = lines[-1][:end_column]
        lines[0] = lines[0][column:]
        expression = _entered(b"".join(lines).decode(errors="replace"), _items_before(code, offset))
    site = Site(file, line or code.co_firstlineno, function, one_line(expression), via=via)
    return site.key()


def _position(code: CodeType, offset: int) -> tuple[int | None, int | None, int | None, int | None]:
    for index, position in enumerate(code.co_positions()):
        if index == offset // 2:
            return position
    return None, None, None, None


def _items_before(code: CodeType, offset: int) -> int:
    """How many items of the statement at this offset were entered before: until 3.13 all have its whole position."""
    position = _position(code, offset)
    entries = (one for one in dis.get_instructions(code) if one.opname in _ENTRIES and one.offset < offset)
    return max(sum(tuple(entry.positions or ()) == position for entry in entries) - 1, 0)


def _entered(source: str, number: int) -> str:
    """The manager within a statement or ``await stack.enter_async_context(manager)`` and its like; else the text."""
    text = source.strip()
    if text.startswith(("async with", "with")):
        return _item(text, number)
    try:
        node: ast.expr = ast.parse(text.removeprefix("await "), mode="eval").body
    except (SyntaxError, ValueError):
        return ""
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if node.args and called in _ON_BEHALF:
            return ast.get_source_segment(text.removeprefix("await "), node.args[0]) or ""
        if isinstance(node.func, ast.Attribute) and called in {"__aenter__", "__enter__"}:
            return ast.get_source_segment(text.removeprefix("await "), node.func.value) or ""
    return text.removeprefix("await ")


def _item(statement: str, number: int) -> str:
    try:
        node = ast.parse(statement).body[0]
    except (SyntaxError, ValueError):
        return ""
    if not isinstance(node, ast.With | ast.AsyncWith) or number >= len(node.items):
        return ""
    return ast.get_source_segment(statement, node.items[number].context_expr) or ""


@functools.lru_cache(maxsize=4096)
def resource_name(expression: str) -> str:
    """What a person calls the resource of this expression: "stock_lock" for ``self._stock_lock``.

    A name, an attribute chain or a constant subscript gives its last part without leading underscores; ``x.acquire()``
    (and the other TAKERS) gives the name of x; anything else, a constructor's call above all, gives "".
    """
    try:
        node: ast.expr = ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError):
        return ""
    if isinstance(node, ast.Await):
        node = node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TAKERS:
        node = node.func.value
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        if isinstance(node.slice.value, str):
            return node.slice.value
        return f"{resource_name(ast.unparse(node.value))}[{node.slice.value!r}]"
    if isinstance(node, ast.Attribute):
        return node.attr.lstrip("_")
    return node.id.lstrip("_") if isinstance(node, ast.Name) else ""


def owner_name(expression: str) -> str:
    """What a person calls the object whose method this expression calls: "session" for ``self.session.get(url)``."""
    try:
        node = ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError):
        return ""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return resource_name(ast.unparse(node.func.value))
    return ""

"""Where an ``async with`` stands, as one string.

A site is one string constant in rewritten code: it survives the bytecode cache, costs nothing to pass, and is a
dictionary key whose hash is computed once. ``Site.of`` reads it back off the hot path.
"""

from __future__ import annotations

import ast
import functools
import itertools
from types import CodeType
from typing import NamedTuple, cast

from tenure._identify import source_text

_SEPARATOR = "\x1f"
_INTERNAL = f"{_SEPARATOR}internal"  # ends the key
_MARK = "\x1d"  # stands before the number of an instruction whose expression is not known yet
_LATE = "\x1e"  # stands before how a name is made from such an expression
_MOST_MARKED = 4096
_MOST_PLACES = 20_000
MAX_EXPRESSION = 200  # characters of source text that are kept
# Methods whose result is a handle on the object they were called on: the resource of `pool.acquire()` is `pool`.
TAKERS = frozenset(
    {
        "acquire",
        "acquire_nowait",
        "acquire_on_behalf_of",
        "acquire_on_behalf_of_nowait",
        "connect",
        "connection",
        "get",
        "getconn",
        "begin",
        "checkout",
        "lock",
        "session",
    }
)

_numbers = itertools.count(1)
# By address of the code, offset, via and internal.
_marked: dict[tuple[int, int, str, bool], tuple[str, CodeType]] = {}
# By number: code and offset, or, once the source was read, line and expression.
_places: dict[int, tuple[CodeType, int] | tuple[int, str]] = {}
_targets: dict[int, str] = {}  # by number: what the value is assigned to, once the source was read


class Place(NamedTuple):
    """An instruction of code that was not rewritten: ``frame.f_code`` and ``frame.f_lasti``."""

    code: CodeType
    offset: int

    def site(self, via: str = "", internal: bool = False) -> str:  # a fact of the site
        """The key of the site; ``via``: what a library enters there; ``internal``: for its own ends."""
        return of_instruction(self.code, self.offset, via, internal=internal)


class _MethodCall(NamedTuple):
    owner: ast.expr
    arguments: list[ast.expr]


class Site(NamedTuple):
    """A site's parts: file, line from 1, the enclosing function's qualified name, the manager's source text.

    ``via``: what a library enters on behalf of the program's line; such a site is another one than the line's own.
    ``internal``: a library enters there for its own ends.
    """

    file: str
    line: int
    function: str
    expression: str
    sync: bool = False  # `with`
    via: str = ""
    internal: bool = False

    def key(self) -> str:
        """The string by which rewritten code and records name this site."""
        file = self.file.replace(_SEPARATOR, "?")
        parts = (file, str(self.line), self.function, self.expression, "sync" * self.sync)
        if self.internal:
            return _SEPARATOR.join((*parts, self.via, _INTERNAL[1:]))
        return _SEPARATOR.join((*parts, self.via) if self.via else parts)

    @classmethod
    def of(cls, key: str) -> Site:
        """The site that ``key()`` made this string from."""
        return _of_key(key)


def is_internal(key: str) -> bool:
    """``Site.of(key).internal``, for each record."""
    return key.endswith(_INTERNAL)


@functools.lru_cache(maxsize=4096)
def _of_key(key: str) -> Site:
    file, line, function, expression, sync, *rest = key.split(_SEPARATOR)
    return Site(file, int(line), function, expression, bool(sync), "".join(rest[:1]), len(rest) > 1)


def in_code(code: CodeType) -> set[str]:
    """The keys of the sites that rewritten code records, the functions in it included."""
    keys: set[str] = set()
    start = Site(code.co_filename, 0, "", "").key().partition(_SEPARATOR)[0] + _SEPARATOR
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            keys |= in_code(constant)
        elif isinstance(constant, str) and constant.startswith(start):
            keys.add(constant)
    return keys


def one_line(source: str) -> str:
    """An expression's source text on one line, cut to MAX_EXPRESSION characters."""
    text = " ".join(source.replace(_SEPARATOR, " ").split())
    return text if len(text) <= MAX_EXPRESSION else text[: MAX_EXPRESSION - 1] + "…"


def of_instruction(code: CodeType, offset: int, via: str = "", *, internal: bool = False) -> str:
    """The key of the site at a byte offset of code that was not rewritten: ``frame.f_code`` and ``frame.f_lasti``.

    The program waits for the answer, so it costs the same however long the code is, and no file is read. The key has
    the line at which the code begins, and a mark in place of its expression, until it is ``settled``.
    """
    known = _marked.get((id(code), offset, via, internal))
    if known is not None:
        return known[0]
    number = next(_numbers)
    _places[number] = code, offset
    if len(_marked) >= _MOST_MARKED:
        _marked.clear()
    _places.pop(number - _MOST_PLACES, None)
    mark = f"{_MARK}{number}"
    key = Site(code.co_filename, code.co_firstlineno, code.co_qualname, mark, via=via, internal=internal).key()
    _marked[id(code), offset, via, internal] = key, code  # the code is kept, so that its address is not another's
    return key


def settled(key: str) -> str:
    """The key with the line and the expression of its instruction. It reads the source file: not for the program."""
    if _MARK not in key:
        return key
    site = Site.of(key)
    place = _place(site.expression)
    return key if place is None else site._replace(line=place[0], expression=place[1]).key()


def is_late(text: str) -> bool:
    """Whether this is an expression, or a name made from one, that is not known yet."""
    return text.startswith((_MARK, _LATE))


def settled_text(text: str) -> str:
    """An expression, or a name that was made from one, once the source file may be read."""
    if not is_late(text):
        return text
    making, _, number = text.rpartition(_MARK)
    place = _place(f"{_MARK}{number}")
    if making == f"{_LATE}target":
        return _resource_name(_targets.get(int(number), ""))
    expression = "" if place is None else place[1]
    name, _, method = making.removeprefix(_LATE).partition(" ")
    return _MAKERS[name](expression, method) if name in _MAKERS else expression


def constructs(expression: str, name: str) -> bool:
    """Whether this expression calls something of this name.

    While the expression is not known: whether its code has that name anywhere.
    """
    if expression.startswith(_MARK):
        place = _places.get(int(expression[1:]))
        if place is None:
            return False
        if isinstance(place[0], CodeType):
            return name in place[0].co_names
        expression = place[1]
    callee, call, _ = expression.partition("(")
    return bool(call) and callee.rpartition(".")[2] == name


def _place(mark: str) -> tuple[int, str] | None:
    """The line and the expression of a marked instruction; None where it was forgotten."""
    number = int(mark[1:]) if mark.startswith(_MARK) and mark[1:].isdecimal() else 0
    place = _places.get(number)
    if place is None:
        return None
    first, second = place
    if isinstance(first, CodeType):
        line, text = source_text.at(first, cast("int", second))
        _targets[number] = source_text.target(first, cast("int", second))
        _targets.pop(number - _MOST_PLACES, None)
        place = _places[number] = line, one_line(text)
    return cast("tuple[int, str]", place)


def resource_name(expression: str) -> str:
    """The name that people read for the resource of this expression: "stock_lock" for ``self._stock_lock``.

    A name, an attribute chain or a constant subscript gives its last part without leading underscores; ``x.acquire()``
    (and the other TAKERS) gives the name of x; anything else, a constructor's call above all, gives "". Where the
    expression is not known yet, the name is one for ``settled_text``.
    """
    return f"{_LATE}resource{expression}" if expression.startswith(_MARK) else _resource_name(expression)


def owner_name(expression: str, method: str = "") -> str:
    """The name of the object whose method this expression calls: "session" for ``self.session.get(url)``.

    Where a ``method`` is given (or several, with spaces) and the expression calls no such, it is the resource's name;
    the calls may stand in another one (``gather``). As above, it may be late.
    """
    if expression.startswith(_MARK):
        return f"{_LATE}owner {method}{expression}"
    if not method:
        return _owner_name(expression)
    if all(f".{name}(" not in expression for name in method.split()):
        return _resource_name(expression)
    owners = {ast.unparse(call.owner) for call in _method_calls(expression, *method.split())}
    return _resource_name(owners.pop()) if len(owners) == 1 else ""


def target_name(expression: str) -> str:
    """The name of what this expression's value is assigned to: "client" for ``self._client = AsyncClient()``.

    "" where it is not assigned, or where the expression is known already. It is one for ``settled_text``.
    """
    return f"{_LATE}target{expression}" if expression.startswith(_MARK) else ""


def call_with_argument(expression: str, method: str) -> str:
    """The call of this method with its first argument, as it is written: "borrow(job)". As above, it may be late."""
    if expression.startswith(_MARK):
        return f"{_LATE}call {method}{expression}"
    arguments = next((call.arguments for call in _method_calls(expression, method)), [])
    return f"{method}({ast.unparse(arguments[0])})" if arguments else method


def resource_node(expression: str) -> ast.expr | None:
    """The part of an expression that stands for the resource; None where the expression is none."""
    try:
        node: ast.expr = ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError):
        return None
    if isinstance(node, ast.Await):
        node = node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TAKERS:
        node = node.func.value
    return node


@functools.lru_cache(maxsize=4096)
def _resource_name(expression: str) -> str:
    node = resource_node(expression)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        if isinstance(node.slice.value, str):
            return node.slice.value
        return f"{_resource_name(ast.unparse(node.value))}[{node.slice.value!r}]"
    if isinstance(node, ast.Attribute):
        return node.attr.lstrip("_")
    return node.id.lstrip("_") if isinstance(node, ast.Name) else ""


def _method_calls(expression: str, *methods: str) -> list[_MethodCall]:
    """The calls of these methods, outermost first; none where the text was cut."""
    try:
        nodes = list(ast.walk(ast.parse(expression, mode="eval")))
    except (SyntaxError, ValueError):
        return []
    calls = [(node, node.func) for node in nodes if isinstance(node, ast.Call)]
    return [
        _MethodCall(func.value, [*call.args, *(keyword.value for keyword in call.keywords)])
        for call, func in calls
        if isinstance(func, ast.Attribute) and func.attr in methods
    ]


def _owner_name(expression: str) -> str:
    try:
        node = ast.parse(expression, mode="eval").body
    except (SyntaxError, ValueError):
        return ""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return _resource_name(ast.unparse(node.func.value))
    return ""


_MAKERS = {"resource": lambda expression, _: resource_name(expression), "owner": owner_name, "call": call_with_argument}

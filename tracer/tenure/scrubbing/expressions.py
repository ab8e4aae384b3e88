"""Literals in source text: ``connect("host", "user", "hunter2")`` is shown as ``connect('…', '…', '…')``.

A literal is shown if it is clearly harmless:

    True, False, None, ..., and the empty text
    an integer below 100,000 or with at most two digits before its trailing zeros (600_000); a float up to 7 characters
    a text of the closed list WORDS: file modes, encodings, HTTP methods, addresses of this machine
    a key, ``app["db"]`` or ``{"user": name}``, of letters, digits and ._:- , that does not look machine-generated

As the value of a secret name, ``pin=1234``, only True, False, None and ... are harmless. Names, operators and calls are
always shown. A source text that does not parse, because it was cut, is scanned by a regular expression instead.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tenure.scrubbing.patterns import pattern
from tenure.scrubbing.texts import scrub
from tenure.scrubbing.words import is_random, is_secret_name

ELIDED = "…"
_MODES = ("r", "w", "a", "x", "rb", "wb", "ab", "xb", "rt", "wt", "r+", "w+", "a+", "rb+", "wb+", "r+b", "w+b")
_ENCODINGS = ("utf-8", "utf8", "ascii", "latin-1")
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_HOSTS = ("localhost", "127.0.0.1", "::1", "0.0.0.0")  # noqa: S104  # not to listen on
WORDS = frozenset((*_MODES, *_ENCODINGS, *_METHODS, *_HOSTS))
_KEY = pattern(r"[A-Za-z_][\w.:-]{0,39}", re.ASCII)
_TEMPLATE = getattr(ast, "TemplateStr", ast.JoinedStr)  # since 3.14
_ESCAPE = pattern(r"\\.", re.DOTALL)
_PREFIX = pattern(r"[A-Za-z]*")
# For source text that does not parse: a string that may be cut, a comment, a number. An f-string may contain quotes.
_TOKEN = pattern(
    r"""(?P<formatted>(?<!\w)(?:[fFtT][rR]?|[rR][fFtT])['"].*)
       |(?P<prefix>(?<!\w)[rRbBuU]{0,2})(?:\"{3}(?:[^"\\]|\\.|"(?!""))*(?:\"{3}|\Z)|'{3}(?:[^'\\]|\\.|'(?!''))*(?:'{3}|\Z)
           |"(?:[^"\\]|\\.)*(?:"|\Z)|'(?:[^'\\]|\\.)*(?:'|\Z))
       |(?P<comment>\#.*)
       |(?P<number>(?<![\w.])\d[\w.]*)""",
    re.VERBOSE | re.DOTALL,
)


def scrub_expression(source: str) -> str:
    """Hide the literals of a source text."""
    if not any(sign in source for sign in "'\"0123456789#"):
        return source
    masked = _ESCAPE.sub("xx", source)  # same length, but no escaped quote, and no warning about an invalid escape
    try:
        tree = ast.parse(masked, mode="eval")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return scrub(_TOKEN.sub(_hidden_token, source))
    text = source.encode("utf-8", "replace")
    if len(text) != len(masked.encode("utf-8", "replace")):  # a backslash before a character of more than one byte
        return scrub(_TOKEN.sub(_hidden_token, source))
    copied, pieces = 0, []
    for begin, end, shown in sorted(_hidden(tree.body, masked, text)):
        pieces += [text[copied:begin], shown.encode()]
        copied = end
    shown = b"".join([*pieces, text[copied:]]).decode("utf-8", "replace")
    return _TOKEN.sub(_without_comment, shown) if "#" in shown else shown


def _hidden(expression: ast.expr, source: str, text: bytes) -> Iterator[tuple[int, int, str]]:
    """Yield the literals to hide: where each begins and ends, in bytes, and what is shown instead."""
    starts = [0]
    for line in source.encode("utf-8", "replace").splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    waiting: list[tuple[ast.AST, bool, bool]] = [(expression, False, False)]  # is it a key, is it of a secret name
    while waiting:
        node, is_key, is_secret = waiting.pop()
        if isinstance(node, ast.Constant | ast.JoinedStr | _TEMPLATE):
            begin = starts[node.lineno - 1] + node.col_offset
            end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
            literal = text[begin:end].decode("utf-8", "replace")
            if isinstance(node, ast.JoinedStr | _TEMPLATE) or not _is_harmless(node.value, literal, is_key, is_secret):
                yield begin, end, _elided(literal)
            continue
        waiting += _within(node, is_secret)


def _within(node: ast.AST, is_secret: bool) -> Iterator[tuple[ast.AST, bool, bool]]:
    if isinstance(node, ast.keyword):
        yield node.value, False, is_secret or (node.arg is not None and is_secret_name(node.arg))
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            name = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else ""
            if key is not None:
                yield key, True, is_secret
            yield value, False, is_secret or is_secret_name(name)
    elif isinstance(node, ast.Subscript):
        yield node.value, False, is_secret
        yield node.slice, True, is_secret
    else:
        for child in ast.iter_child_nodes(node):
            yield child, False, is_secret


def _is_harmless(value: object, literal: str, is_key: bool, is_secret: bool) -> bool:
    if value is None or value is Ellipsis or isinstance(value, bool):
        return True
    if is_secret:
        return False
    if isinstance(value, str):
        return not value or value in WORDS or (is_key and "\\" not in literal and is_harmless_key(value))
    if isinstance(value, int):
        return value < 100_000 or len(str(value)[:20].rstrip("0")) <= 2
    return isinstance(value, float) and len(literal) <= 7


def is_harmless_key(key: str) -> bool:
    """Whether a text in brackets, ``locks["orders"]``, may be shown."""
    return bool(_KEY.fullmatch(key)) and (len(key) < 12 or not is_random(key)) and scrub(key) == key


def _elided(literal: str) -> str:
    """Make the placeholder: ``'…'`` for a text, ``b'…'`` for bytes, ``f'…'`` for an f-string, … for a number."""
    prefix = _PREFIX.match(literal)
    assert prefix is not None
    if literal[prefix.end() : prefix.end() + 1] not in {"'", '"'}:
        return ELIDED
    return f"{prefix[0].lower().replace('r', '').replace('u', '')}'{ELIDED}'"


def _hidden_token(match: re.Match[str]) -> str:
    if match["comment"] is not None:
        return f"# {ELIDED}"
    if match["number"] is not None:
        return match[0] if len(match[0]) <= 5 else ELIDED
    return _elided(match[0])


def _without_comment(match: re.Match[str]) -> str:
    return f"# {ELIDED}" if match["comment"] is not None else match[0]

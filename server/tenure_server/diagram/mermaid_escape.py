"""Escapes names from programs, so that Mermaid never reads them as syntax.

Mermaid's own rules, found with mermaid 10 to 12: ``;`` and line ends end a statement, a raw ``#`` cuts the label,
``%%{}`` vanishes, a leading ``wrap:`` is swallowed, blanks at the edges are trimmed. ``#codepoint;`` is safe for all of
them. In the head of a text, which is YAML, the same characters are escaped as in JSON.
"""

from __future__ import annotations

from functools import lru_cache

_PLAIN = frozenset(" .,_-()[]'\"!?@*+=|/")
_PLAIN_IN_HEAD = frozenset(" .,_-()#:/")


@lru_cache(maxsize=4096)
def encode(text: str) -> str:
    """The text with every character but letters, digits, blanks and ``.,_-()[]'"!?@*+=|/`` as ``#codepoint;``."""
    if text.isascii() and text.isalnum():
        return text
    inner = text.strip(" ")
    if not inner:
        return _code(" ") * max(len(text), 1)
    start = text.index(inner)
    edges = _code(" ") * start, _code(" ") * (len(text) - start - len(inner))
    return f"{edges[0]}{''.join(map(_character, inner))}{edges[1]}"


def encode_title(title: str) -> str:
    """The title as a quoted YAML text."""
    return f'"{"".join(map(_title_character, title))}"'


def _title_character(character: str) -> str:
    if character in _PLAIN_IN_HEAD or _is_letter_or_digit(character):
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


@lru_cache(maxsize=1024)
def _character(character: str) -> str:
    return character if character in _PLAIN or _is_letter_or_digit(character) else _code(character)


def _is_letter_or_digit(character: str) -> bool:
    return ord(character) < 0x10000 and (character.isalpha() or character.isdecimal())


def _code(character: str) -> str:
    return f"#{ord(character)};"

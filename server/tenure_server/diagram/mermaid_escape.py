"""Escapes names from programs, so that Mermaid never reads them as syntax.

Mermaid's own rules, found with mermaid 12: ``;`` and line ends end a statement, a raw ``#`` cuts the label, ``%%{}``
vanishes, a leading ``wrap:`` is swallowed, blanks at the edges are trimmed. ``#codepoint;`` is safe for all of them.
"""

from __future__ import annotations

from functools import lru_cache

_PLAIN = frozenset(" .,_-()[]'\"!?@*+=|/")


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


@lru_cache(maxsize=1024)
def _character(character: str) -> str:
    is_plain = character in _PLAIN or (ord(character) < 0x10000 and (character.isalpha() or character.isdecimal()))
    return character if is_plain else _code(character)


def _code(character: str) -> str:
    return f"#{ord(character)};"

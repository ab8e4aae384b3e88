"""Notes of a Mermaid text: broken into lines, because Mermaid does not wrap them, and each wait noted once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from tenure_server.diagram.mermaid_escape import encode
from tenure_server.diagram.steps import Activate, Message, Note, Step

WIDTH = 32  # characters of a line: a note over two neighbours has room for so many in all versions of Mermaid
_BREAK = "<br/>"
_BEFORE_UNIT = re.compile(r" (?!(?:ns|µs|ms|s)(?![\w]))")  # each blank but those between a number and its unit
_WIDE = frozenset("WF")  # East Asian widths of characters that take two places


def note_text(text: str) -> str:
    """The text, escaped, with a break where a line would be wider than ``WIDTH``."""
    return note_of_lines(wrap(text))


def note_of_lines(lines: Sequence[str]) -> str:
    """These lines, escaped, and not broken further."""
    return _BREAK.join(map(encode, lines))


def wrap(text: str, width: int = WIDTH) -> list[str]:
    """Lines of at most ``width`` places, broken at blanks, not before a unit; a longer word is broken within."""
    if _width_of(text) <= width:
        return [text]
    wrapped: list[str] = []
    line, used = "", 0
    for word in _BEFORE_UNIT.split(text):
        places = _width_of(word)
        if line and used + 1 + places <= width:
            line, used = f"{line} {word}", used + 1 + places
            continue
        if line:
            wrapped.append(line)
        *full, line = _pieces(word, width)
        wrapped += full
        used = _width_of(line)
    return [*wrapped, line] if line or not wrapped else wrapped


def each_wait_once(steps: Sequence[Step], *, is_whole: bool) -> list[Step]:
    """The steps with one note for a wait that goes on: of a whole diagram the last one, which says the present cause.

    The last notes of a diagram that is cut are not shown, so there the note at the acquire stays.
    """
    waits = {step.lifecycle for step in steps if isinstance(step, Note) and step.kind == "wait"}
    acquired = {step.lifecycle for step in steps if isinstance(step, Activate | Message) and _begins(step)}
    open_ones = {step.lifecycle for step in steps if isinstance(step, Note) and step.kind == "open"}
    going_on = (open_ones & waits) - acquired
    left_out = "wait" if is_whole else "open"
    return [
        step for step in steps if not (isinstance(step, Note) and step.kind == left_out and step.lifecycle in going_on)
    ]


def _begins(step: Activate | Message) -> bool:
    return isinstance(step, Activate) or step.activate


def _pieces(word: str, width: int) -> list[str]:
    pieces: list[str] = []
    piece, used = "", 0
    for character in word:
        places = _places(character)
        if used + places > width:
            pieces.append(piece)
            piece, used = "", 0
        piece, used = piece + character, used + places
    return [*pieces, piece]


def _width_of(text: str) -> int:
    return len(text) if text.isascii() else sum(map(_places, text))


def _places(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1

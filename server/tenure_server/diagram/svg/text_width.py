"""How wide a text is, and its short form where that is too wide.

The widths are those of Arial and Helvetica, which ``colours`` names first, and some room for fonts that are wider.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

MAX_MEASURED = 300  # characters; every longer text is shortened anyway

_PRINTABLE = (  # of the characters from " " on, in thousandths of the font size
    "278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 278 "
    "584 584 584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 "
    "667 667 611 278 278 278 469 556 333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 "
    "278 556 500 722 500 500 500 334 260 334 584"
)
_WIDTHS = {chr(ord(" ") + place): int(width) for place, width in enumerate(_PRINTABLE.split())}
_WIDE, _OTHER = 1000, 600
_ROOM, _BOLD = 1.06, 1.1
_LINE_ENDS = re.compile(r"[\r\n\t]+")


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """The width, in CSS pixels, at a font size in CSS pixels."""
    width = sum(_WIDTHS.get(character) or _width_of_other(character) for character in text) * size * _ROOM / 1000
    return width * _BOLD if bold else width


def truncate(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """The text on one line, ending in "…" where it is wider than ``width``."""
    return _shortened(text, width, size, bold, lambda line, count: f"{line[:count]}…")


def truncate_middle(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """As ``truncate``, with "…" in the middle: the point of a sentence may stand at its end."""

    def form(line: str, count: int) -> str:
        end = count // 2
        return f"{line[: count - end].rstrip()}…{line[-end:].lstrip() if end else ''}"

    return _shortened(text, width, size, bold, form)


def _shortened(text: str, width: float, size: float, bold: bool, form: Callable[[str, int], str]) -> str:
    """The text, or the longest of its short forms that fits; ``form`` makes one of so many characters."""
    line = _LINE_ENDS.sub(" ", text)
    if len(line) > MAX_MEASURED:
        line = line[: MAX_MEASURED // 2] + line[-MAX_MEASURED // 2 :]
    elif width_of(line, size, bold=bold) <= width:
        return line
    fitting, limit = 0, len(line) - 1
    while fitting < limit:
        middle = (fitting + limit + 1) // 2
        if width_of(form(line, middle), size, bold=bold) <= width:
            fitting = middle
        else:
            limit = middle - 1
    return form(line, fitting)


def _width_of_other(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return _WIDE if unicodedata.east_asian_width(character) in "WF" else _OTHER

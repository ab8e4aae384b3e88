"""What a participant's head says, on at most two lines, and the shapes of the kinds."""

from __future__ import annotations

import math
import re

from tenure_server.diagram.steps import Participant
from tenure_server.diagram.svg import sizes
from tenure_server.diagram.svg.shapes import Head, HeadLine
from tenure_server.diagram.svg.text_width import truncate, truncate_middle, width_of

GLYPHS = {  # drawn in a square of 16
    "control": "M3.5,7.5h9a1,1 0 0 1 1,1v5a1,1 0 0 1 -1,1h-9a1,1 0 0 1 -1,-1v-5a1,1 0 0 1 1,-1z"
    "M5,7.5v-2.5a3,3 0 0 1 6,0v2.5",
    "database": "M2.5,4a5.5,2.3 0 0 1 11,0a5.5,2.3 0 0 1 -11,0M2.5,4v8a5.5,2.3 0 0 0 11,0v-8M2.5,8a5.5,2.3 0 0 0 11,0",
    "queue": "M1.5,4h13v8h-13zM5,4v8M8.25,4v8M11.5,4v8",
}

_KIND_AND_NAME = re.compile(r"(\S+) ([^(@].*?)( @ .+)?", re.DOTALL)
_BETWEEN_WORDS = re.compile(r"(?<!@)[\s\-_.:/,](?=\S)")
_WITHIN_NAMES = re.compile(r"(?<!@)[\s\-_.:/,](?=\S)|[a-z](?=[A-Z])")


def head_of(participant: Participant) -> Head:
    """The lines of a head, and how wide its box is."""
    has_glyph = participant.stereotype in GLYPHS
    lines = _resource_lines(participant.label) if participant.role == "resource" else _wrapped(participant.label)
    if has_glyph and len(lines) == 1:
        lines = [HeadLine("", is_kind=True), *lines]
    widths = [width_of_line(line) for line in lines]
    widths[0] += sizes.HEAD_ICON if has_glyph else 0
    return Head(lines, math.ceil(max(sizes.HEAD_TEXT_MIN, *widths) + 2 * sizes.HEAD_PADDING))


def width_of_line(line: HeadLine) -> float:
    return width_of(line.text, sizes.KIND) if line.is_kind else width_of(line.text, sizes.HEAD, bold=True)


def _resource_lines(label: str) -> list[HeadLine]:
    """A kind without blanks, a name, and the service where the picture has several: "Lock stock_lock @ shop"."""
    parts = _KIND_AND_NAME.fullmatch(label)
    if parts is None:
        return _wrapped(label)
    kind, name, service = parts.groups(default="")
    return [
        HeadLine(truncate(kind + service, sizes.HEAD_TEXT_MAX, sizes.KIND), is_kind=True),
        HeadLine(truncate_middle(name, sizes.HEAD_TEXT_MAX, sizes.HEAD, bold=True), is_kind=False),
    ]


def _wrapped(label: str) -> list[HeadLine]:
    """One line where the label is short or cannot be broken; else two, as even as the words allow."""
    width = width_of(label[:200], sizes.HEAD, bold=True)
    fits = width <= sizes.HEAD_TEXT_MAX
    pattern = _BETWEEN_WORDS if fits else _WITHIN_NAMES
    places = [] if width <= sizes.HEAD_ONE_LINE else [match.end() for match in pattern.finditer(label, 0, 200)]
    if not places:
        return [_name(label)]
    pairs = [(label[:place].rstrip(), label[place:]) for place in places]
    return list(
        map(_name, min(pairs, key=lambda pair: max(width_of(text[:200], sizes.HEAD, bold=True) for text in pair)))
    )


def _name(text: str) -> HeadLine:
    return HeadLine(truncate(text, sizes.HEAD_TEXT_MAX, sizes.HEAD, bold=True), is_kind=False)

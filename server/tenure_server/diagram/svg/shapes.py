"""What a layout is made of. Heights are CSS pixels from the top of the steps; ``spacing`` has the x of a slot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from tenure_server.diagram.steps import Begin, Message, Note, Participant
from tenure_server.model.records import Outcome


class HeadLine(NamedTuple):
    """One line of a head: a kind is small, a name is bold."""

    text: str
    is_kind: bool


class Head(NamedTuple):
    """A participant's name and kind, as they stand in its box."""

    lines: list[HeadLine]
    width: float


@dataclass(slots=True, eq=False)
class Column:
    """A participant with its lifeline. When its task has ended, its slot is free for a later task."""

    participant: Participant
    slot: int
    top: float  # where the lifeline begins
    is_created: bool  # its head stands at ``top``, else at the top of the picture
    head: Head
    hue: int
    bottom: float | None = None  # where the lifeline ended
    outcome: Outcome | None = None  # how it ended
    open: list[Activation] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Activation:
    """A bar from acquire to release. Those of one column that overlap are stacked; ``level`` counts from 0."""

    column: Column
    level: int
    top: float
    lifecycle: str | None
    bottom: float | None = None  # None: open, it reaches the bottom edge


class ArrowEnd(NamedTuple):
    """Where an arrow begins or ends: at a lifeline, or at the edge of an activation."""

    column: Column
    level: int | None  # of the message's own activation
    highest: int  # level of the activations that are open there; -1: none


@dataclass(slots=True, eq=False)
class MessageRow:
    """A message. ``line`` is the height of its arrow."""

    step: Message
    line: float
    source: ArrowEnd
    target: ArrowEnd
    creates: bool
    destroys: bool


class NoteRow(NamedTuple):
    """A note over the columns from ``first`` to ``last``, beside ``anchor``."""

    step: Note
    top: float
    lines: list[str]
    width: float
    first: Column
    last: Column
    anchor: Column


class OpenTag(NamedTuple):
    """An open lifecycle, shown below its column."""

    step: Note
    column: Column


@dataclass(slots=True, eq=False)
class Fragment:
    """A frame around steps, from the leftmost to the rightmost slot that they use."""

    step: Begin
    top: float
    bottom: float | None = None
    left: int = 1 << 30  # slots
    right: int = -1  # while it is empty
    inset: int = 0  # how many fragments are nested in it

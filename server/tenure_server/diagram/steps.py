"""A diagram as data: the steps that Mermaid text, the dashboard and every other output are made from.

Every step has an id that stays the same while the diagram grows: it is made from the id of the lifecycle (or task) that
the step tells of. A participant's id is made from its task's or resource's, so that a column which comes or goes
changes no step of the others; the order of the columns is the order of their declaration. Mermaid text, which nobody
updates, numbers them in that order: ``p1``, ``p2``, ...

Steps hold text and numbers and nothing that could lead back to them: the garbage collector need not look at them.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tenure_server.model.records import Outcome

Arrow = Literal["->>", "-->>", "-)", "--)", "-x", "--x"]  # Mermaid's own tokens
FragmentKind = Literal["loop", "par", "alt", "break", "critical"]


class Participant(msgspec.Struct, frozen=True):
    """A column: a task, a resource, or a group of them."""

    id: str  # opaque: "t12-5f0c1a2b"
    role: Literal["task", "resource"]
    stereotype: str  # Mermaid's participant type: participant, control, database, queue, ...
    label: str  # plain text: encoding is the business of each output
    ref: str  # id of the task or resource that a click leads to


class Declare(msgspec.Struct, frozen=True, gc=False, tag="declare", tag_field="step"):
    """The participant stands from here on."""

    id: str
    participant: Participant


class Create(msgspec.Struct, frozen=True, gc=False, tag="create", tag_field="step"):
    """The participant is created by the message that follows directly."""

    id: str
    participant: Participant


class Destroy(msgspec.Struct, frozen=True, gc=False, tag="destroy", tag_field="step"):
    """The participant ends with the message that follows directly."""

    id: str
    participant: str


class Message(
    msgspec.Struct, frozen=True, gc=False, tag="message", tag_field="step", rename={"source": "from", "target": "to"}
):
    """An arrow from one participant to another, or to itself."""

    id: str
    source: str
    target: str
    arrow: Arrow
    label: str
    at_ns: int
    lifecycle: str | None = None
    outcome: Outcome | None = None  # what the arrow tells of: it colours the arrow and gives cancellation its own mark
    activate: bool = False  # begins an activation of `to`  (Mermaid's "+")
    deactivate: bool = False  # ends an activation of `from` (Mermaid's "-")


class Note(msgspec.Struct, frozen=True, gc=False, tag="note", tag_field="step"):
    """A note over one participant or from one to another.

    With ``since_ns`` it tells of something still going on: ``text`` ends in the time passed when the step was made, and
    a live view may print ``lead`` and count the time on by itself.
    """

    id: str
    over: list[str]
    text: str
    at_ns: int
    lifecycle: str | None = None
    kind: Literal["wait", "open", "cut", "info"] = "info"
    lead: str | None = None  # "still held": ``text`` is "still held, 32 s"
    since_ns: int | None = None
    outcome: Outcome | None = None  # what the note tells of, as with Message


class Activate(msgspec.Struct, frozen=True, gc=False, tag="activate", tag_field="step"):
    """A bar begins on the participant's line."""

    id: str
    participant: str
    lifecycle: str | None = None


class Deactivate(msgspec.Struct, frozen=True, gc=False, tag="deactivate", tag_field="step"):
    """The lifecycle's bar on the participant's line ends."""

    id: str
    participant: str
    lifecycle: str | None = None


class Begin(msgspec.Struct, frozen=True, gc=False, tag="begin", tag_field="step"):
    """A fragment opens. ``fold`` names the fold that it stands for, by which it can be opened again."""

    id: str
    fragment: FragmentKind
    label: str
    fold: str | None = None


class End(msgspec.Struct, frozen=True, gc=False, tag="end", tag_field="step"):
    """The innermost fragment ends."""

    id: str
    fragment: FragmentKind


Step = Declare | Create | Destroy | Message | Note | Activate | Deactivate | Begin | End


class Append(msgspec.Struct, frozen=True, tag="append", tag_field="op"):
    """The steps stand at the end."""

    steps: list[Step]


class Insert(msgspec.Struct, frozen=True, tag="insert", tag_field="op"):
    """The steps stand directly before the step ``before``."""

    before: str
    steps: list[Step]


class Update(msgspec.Struct, frozen=True, tag="update", tag_field="op"):
    """The step replaces the one with the same id, in its place."""

    step: Step


class Remove(msgspec.Struct, frozen=True, tag="remove", tag_field="op"):
    ids: list[str]


Operation = Append | Insert | Update | Remove


class Diagram(msgspec.Struct, frozen=True):
    """A finished picture: what /api/diagram answers and what a live page holds.

    ``earlier`` lifecycles of the lens are left out before the first step, for the size's sake.
    """

    steps: list[Step]
    earlier: int = 0

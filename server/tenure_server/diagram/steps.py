"""A diagram as data: the steps that Mermaid text, the dashboard and every other output are made from.

The id of a step stays the same while the diagram grows: it is made from the id of the lifecycle or task that the step
shows. The id of a participant is made from the id of its task or resource, so a new column changes no step of the other
columns. The order of the columns is the order of their declaration. Mermaid text, which is never updated, numbers them
in that order: ``p1``, ``p2``, ...

Steps have only text and numbers, so they are not in a reference cycle and need no garbage collection (``gc=False``).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from tenure_server.model.diagram_input import OpenCounts
from tenure_server.model.records import Outcome

Arrow = Literal["->>", "-->>", "-)", "--)", "-x", "--x"]  # Mermaid's own tokens
FragmentKind = Literal["loop", "par", "alt", "break", "critical"]


class Participant(msgspec.Struct, frozen=True):
    """A column: a task, a resource, or a group of tasks or resources."""

    id: str  # opaque: "t12-5f0c1a2b"
    role: Literal["task", "resource"]
    stereotype: str  # Mermaid's participant type: participant, control, database, queue, ...
    label: str  # plain text, which each output escapes
    ref: str  # id of the task or resource that a click opens
    ended: bool = False  # its task has finished, or its process has ended while others run


class Declare(msgspec.Struct, frozen=True, gc=False, tag="declare", tag_field="step"):
    """A column begins here."""

    id: str
    participant: Participant


class Create(msgspec.Struct, frozen=True, gc=False, tag="create", tag_field="step"):
    """A column begins at the next step, a message that creates the participant."""

    id: str
    participant: Participant


class Destroy(msgspec.Struct, frozen=True, gc=False, tag="destroy", tag_field="step"):
    """A column ends at the next step, a message."""

    id: str
    participant: str


class Message(
    msgspec.Struct, frozen=True, gc=False, tag="message", tag_field="step", rename={"source": "from", "target": "to"}
):
    """An arrow from one participant to another, or to itself. ``at_ns``: ns since the Unix epoch."""

    id: str
    source: str
    target: str
    arrow: Arrow
    label: str
    at_ns: int
    lifecycle: str | None = None
    outcome: Outcome | None = None  # colours the arrow
    activate: bool = False  # begins an activation of `to`  (Mermaid's "+")
    deactivate: bool = False  # ends an activation of `from` (Mermaid's "-")


class Note(msgspec.Struct, frozen=True, gc=False, tag="note", tag_field="step"):
    """A note over one participant, or from one to another. ``at_ns``: ns since the Unix epoch.

    ``since_ns`` is set for a state that has not ended. Then ``text`` ends with the time that had passed when the step
    was made, and a live view can print ``lead`` and count the time itself.
    """

    id: str
    over: list[str]
    text: str
    at_ns: int
    lifecycle: str | None = None
    kind: Literal["wait", "open", "cut", "info"] = "info"
    lead: str | None = None  # "still held": ``text`` is "still held, 32 s"
    since_ns: int | None = None
    outcome: Outcome | None = None  # colours the note


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
    """A fragment begins. ``fold`` is the id that a lens lists in ``opened`` to show the fold unfolded.

    ``lifecycles``: so many are drawn by it, all repetitions counted.
    """

    id: str
    fragment: FragmentKind
    label: str
    fold: str | None = None
    lifecycles: int = 0


class End(msgspec.Struct, frozen=True, gc=False, tag="end", tag_field="step"):
    """The innermost fragment ends."""

    id: str
    fragment: FragmentKind


Step = Declare | Create | Destroy | Message | Note | Activate | Deactivate | Begin | End


class Append(msgspec.Struct, frozen=True, tag="append", tag_field="op"):
    """Add the steps at the end."""

    steps: list[Step]


class Insert(msgspec.Struct, frozen=True, tag="insert", tag_field="op"):
    """Add the steps directly before the step whose id is ``before``."""

    before: str
    steps: list[Step]


class Update(msgspec.Struct, frozen=True, tag="update", tag_field="op"):
    """Replace the step with the same id, in its place."""

    step: Step


class Remove(msgspec.Struct, frozen=True, tag="remove", tag_field="op"):
    """Remove the steps with these ids."""

    ids: list[str]


Operation = Append | Insert | Update | Remove


class Diagram(msgspec.Struct, frozen=True):
    """The answer of /api/diagram.

    ``earlier`` is the number of older lifecycles that the size limit leaves out, ``internal`` that of lifecycles which
    libraries entered for their own ends, and which are left out unless the lens has them. ``title`` names the processes
    and the time of the events: "shop #28277, 2026-11-30 14:02:05 to 14:02:37 UTC".
    """

    steps: list[Step]
    earlier: int = 0
    title: str = ""
    open: OpenCounts = OpenCounts()
    internal: int = 0

"""Steps as the text of a Mermaid sequence diagram."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tenure_server.diagram.mermaid_activations import join_activations
from tenure_server.diagram.mermaid_escape import encode
from tenure_server.diagram.steps import (
    Activate,
    Begin,
    Create,
    Deactivate,
    Declare,
    Destroy,
    End,
    Message,
    Note,
    Participant,
    Step,
)

LIMIT = 50_000  # characters; Mermaid's default for "maxTextSize"

_STEREOTYPES = frozenset({"actor", "boundary", "control", "entity", "database", "collections", "queue"})
_HEAD = "sequenceDiagram\n"
_INDENT = "    "


def mermaid(steps: Sequence[Step], limit: int = LIMIT) -> str:
    """The text, ending in a line end, of at most ``limit`` characters (counted as in JavaScript).

    Steps that do not fit are left out, and a note says how many. Activations that are open at the end are ended there,
    because Mermaid draws no bar for an activation without an end.
    """
    steps = join_activations(steps)
    if not steps:
        return _text(["participant p1 as Tenure", "Note over p1: nothing was held"])
    names = _names(steps)
    shown = _fitting(steps, names, limit)
    if shown == 0:
        return _text(["participant p1 as Tenure", f"Note over p1: {_more_steps(len(steps))}"])
    open_parts = _OpenParts(names)
    for step in steps[:shown]:
        open_parts.update(step)
    cut = [] if shown == len(steps) else [f"Note over {open_parts.note_range}: {_more_steps(len(steps) - shown)}"]
    return _text([*_statements(steps[:shown], names), *open_parts.fragments, *cut, *open_parts.activations])


def _names(steps: Sequence[Step]) -> dict[str, str]:
    """The names of the participants in the text: "p1", "p2", ... from left to right."""
    ids = [step.participant.id for step in steps if isinstance(step, Declare | Create)]
    return {participant: f"p{place}" for place, participant in enumerate(ids, 1)}


def _fitting(steps: Sequence[Step], names: Mapping[str, str], limit: int) -> int:
    """How many of the steps fit, together with the statements that close what they leave open."""
    open_parts = _OpenParts(names)
    size = len(_HEAD)
    fitting = 0
    for count, step in enumerate(steps, 1):
        size += _size(_statement(step, names))
        if size > limit:
            break
        open_parts.update(step)
        closed = size + sum(map(_size, [*open_parts.fragments, *open_parts.activations]))
        if count == len(steps) and closed <= limit:
            return count
        note = (
            _size(f"Note over {open_parts.note_range}: {_more_steps(len(steps) - count)}")
            if open_parts.columns
            else limit
        )
        begins = isinstance(step, Create | Destroy | Begin) or (isinstance(step, Message) and step.activate)
        if closed + note <= limit and not begins:
            fitting = count
    return fitting


class _OpenParts:
    """The fragments, activations and columns that have begun and not ended."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self.columns: dict[str, None] = {}
        self.activations: list[str] = []  # as the statements that end them
        self.fragments: list[str] = []

    @property
    def note_range(self) -> str:
        """From the first to the last of these columns."""
        columns = list(self.columns)
        return columns[0] if len(columns) == 1 else f"{columns[0]},{columns[-1]}"

    def update(self, step: Step) -> None:
        names = self._names
        if isinstance(step, Message):
            if step.activate:
                self.activations.append(f"deactivate {names[step.target]}")
            elif step.deactivate:
                self.activations.remove(f"deactivate {names[step.source]}")
        elif isinstance(step, Activate):
            self.activations.append(f"deactivate {names[step.participant]}")
        elif isinstance(step, Deactivate):
            self.activations.remove(f"deactivate {names[step.participant]}")
        elif isinstance(step, Declare | Create):
            self.columns[names[step.participant.id]] = None
        elif isinstance(step, Destroy):
            del self.columns[names[step.participant]]
        elif isinstance(step, Begin):
            self.fragments.append("end")
        elif isinstance(step, End):
            self.fragments.pop()


def _statements(steps: Sequence[Step], names: Mapping[str, str]) -> list[str]:
    """One statement for each step. Declarations are moved up where that does not change the order of the columns."""
    statements: list[str] = []
    declare_at: int | None = None
    for step in steps:
        if isinstance(step, Declare) and declare_at is not None:
            statements.insert(declare_at, _statement(step, names))
            declare_at += 1
            continue
        statements.append(_statement(step, names))
        if isinstance(step, Declare):
            declare_at = len(statements)
        elif isinstance(step, Create | Destroy | Begin | End):
            declare_at = None
    return statements


def _statement(step: Step, names: Mapping[str, str]) -> str:
    match step:
        case Message():
            activation = "+" if step.activate else "-" if step.deactivate else ""
            statement = f"{names[step.source]}{step.arrow}{activation}{names[step.target]}: {encode(step.label)}"
        case Note():
            statement = f"Note over {','.join(names[participant] for participant in step.over)}: {encode(step.text)}"
        case Declare():
            statement = _participant(step.participant, names)
        case Create():
            statement = f"create {_participant(step.participant, names)}"
        case Destroy() | Activate() | Deactivate():
            statement = f"{type(step).__name__.lower()} {names[step.participant]}"
        case Begin():
            statement = f"{step.fragment} {encode(step.label)}"
        case End():
            statement = "end"
    return statement


def _participant(participant: Participant, names: Mapping[str, str]) -> str:
    kind = f'@{{ "type": "{participant.stereotype}" }}' if participant.stereotype in _STEREOTYPES else ""
    return f"participant {names[participant.id]}{kind} as {encode(participant.label)}"


def _more_steps(count: int) -> str:
    return encode(f"{count} more {'step follows' if count == 1 else 'steps follow'}")


def _size(statement: str) -> int:
    return len(_INDENT) + len(statement) + 1


def _text(statements: list[str]) -> str:
    return _HEAD + "".join(f"{_INDENT}{statement}\n" for statement in statements)

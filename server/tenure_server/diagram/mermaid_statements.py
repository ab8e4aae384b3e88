"""One Mermaid statement for each step, in one of two dialects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from tenure_server.diagram.mermaid_escape import encode
from tenure_server.diagram.mermaid_notes import note_text
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

Dialect = Literal["plain", "12"]
"""``plain`` is read by Mermaid 10 and later. ``12`` also says the type of a participant, which Mermaid 12 reads."""

_STEREOTYPES = frozenset({"actor", "boundary", "control", "entity", "database", "collections", "queue"})


class Statements:
    """Writes steps. The participants of the diagram are "p1", "p2", ... from left to right."""

    def __init__(self, steps: Sequence[Step], dialect: Dialect) -> None:
        ids = [step.participant.id for step in steps if isinstance(step, Declare | Create)]
        self.names = {participant: f"p{place}" for place, participant in enumerate(ids, 1)}
        self._has_types = dialect == "12"

    def write_all(self, steps: Sequence[Step]) -> list[str]:
        """One for each step. Declarations are moved up where that does not change the order of the columns."""
        statements: list[str] = []
        declare_at: int | None = None
        for step in steps:
            if isinstance(step, Declare) and declare_at is not None:
                statements.insert(declare_at, self.write(step))
                declare_at += 1
                continue
            statements.append(self.write(step))
            if isinstance(step, Declare):
                declare_at = len(statements)
            elif isinstance(step, Create | Destroy | Begin | End):
                declare_at = None
        return statements

    def write(self, step: Step) -> str:
        names = self.names
        match step:
            case Message():
                activation = "+" if step.activate else "-" if step.deactivate else ""
                statement = f"{names[step.source]}{step.arrow}{activation}{names[step.target]}: {encode(step.label)}"
            case Note():
                over = ",".join(names[participant] for participant in step.over)
                statement = f"Note over {over}: {note_text(step.text)}"
            case Declare():
                statement = self._participant(step.participant)
            case Create():
                statement = f"create {self._participant(step.participant)}"
            case Destroy() | Activate() | Deactivate():
                statement = f"{type(step).__name__.lower()} {names[step.participant]}"
            case Begin():
                statement = f"{step.fragment} {encode(step.label)}"
            case End():
                statement = "end"
        return statement

    def _participant(self, participant: Participant) -> str:
        has_type = self._has_types and participant.stereotype in _STEREOTYPES
        kind = f'@{{ "type": "{participant.stereotype}" }}' if has_type else ""
        return f"participant {self.names[participant.id]}{kind} as {encode(participant.label)}"


class OpenParts:
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

    def ends(self) -> list[str]:
        """The statements that end these fragments and activations."""
        return [*self.fragments, *self.activations]

    def update(self, step: Step) -> None:
        """Follow one step."""
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

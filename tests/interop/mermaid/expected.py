"""What the mermaid package has to read out of steps that were written as text."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from tenure_server.diagram.mermaid_activations import join_activations
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
    Step,
)

ARROWS = {
    "->>": "SOLID",
    "-->>": "DOTTED",
    "-)": "SOLID_POINT",
    "--)": "DOTTED_POINT",
    "-x": "SOLID_CROSS",
    "--x": "DOTTED_CROSS",
}
STEREOTYPES = {"actor", "boundary", "control", "entity", "database", "collections", "queue"}


def expected(steps: list[Step], following: int = 0, *, has_types: bool = False) -> dict[str, Any]:
    """The parser's answer to ``steps`` where ``following`` more were cut off. Notes are without blanks.

    Fragments that are open at the end are ended, then comes the note of the cut, and then open activations are ended,
    in the order of their beginning.
    """
    steps = _numbered(join_activations(steps))
    participants = [step.participant for step in steps if isinstance(step, Declare | Create)]
    destroyed = [step.participant for step in steps if isinstance(step, Destroy)]
    standing = [it.id for it in participants if it.id not in destroyed]
    words = f"{following} more {'step follows' if following == 1 else 'steps follow'}"
    return {
        "actors": [
            [it.id, it.label, it.stereotype if has_types and it.stereotype in STEREOTYPES else "participant"]
            for it in participants
        ],
        "created": [step.participant.id for step in steps if isinstance(step, Create)],
        "destroyed": destroyed,
        "messages": [
            *(message for step in steps for message in _messages(step)),
            *([f"{fragment.upper()}_END", None, None, "", False] for fragment in _open_fragments(steps)),
            *([["NOTE", standing[0], standing[-1], words.replace(" ", ""), False]] if following else []),
            *(_edge("ACTIVE_END", participant) for participant in _open_activations(steps)),
        ],
    }


def with_each_wait_once(steps: list[Step], *, is_cut: bool = False) -> list[Step]:
    """Without the first note of a wait that goes on; if the text is cut, without the last one."""
    notes = [step for step in steps if isinstance(step, Note)]
    held = {
        step.lifecycle for step in steps if isinstance(step, Activate) or (isinstance(step, Message) and step.activate)
    }
    for use in {note.lifecycle for note in notes if note.kind == "wait"} - held:
        if last := next((note for note in notes if note.lifecycle == use and note.kind == "open"), None):
            first = next(note for note in notes if note.lifecycle == use and note.kind == "wait")
            steps = [step for step in steps if step.id != (last if is_cut else first).id]
    return steps


def without_blanks(answer: dict[str, Any]) -> dict[str, Any]:
    """A parser's answer with the notes as ``expected`` has them: a line break may be in place of a blank."""
    messages = [
        [kind, source, target, text.replace("\n", "").replace(" ", "") if kind == "NOTE" else text, activate]
        for kind, source, target, text, activate in answer["messages"]
    ]
    return {**answer, "messages": messages}


def _numbered(steps: list[Step]) -> list[Step]:
    """The same steps with participants called p1, p2, ... in the order of their declaration."""
    names: dict[str, str] = {}
    numbered: list[Step] = []
    for step in steps:
        match step:
            case Declare() | Create():
                name = names[step.participant.id] = f"p{len(names) + 1}"
                numbered.append(replace(step, participant=replace(step.participant, id=name)))
            case Message():
                numbered.append(replace(step, source=names[step.source], target=names[step.target]))
            case Note():
                numbered.append(replace(step, over=[names[participant] for participant in step.over]))
            case Destroy() | Activate() | Deactivate():
                numbered.append(replace(step, participant=names[step.participant]))
            case _:
                numbered.append(step)
    return numbered


def _messages(step: Step) -> list[list[Any]]:
    messages: list[list[Any]] = []
    match step:
        case Message():
            messages = [[ARROWS[step.arrow], step.source, step.target, step.label, step.activate]]
            messages += [_edge("ACTIVE_START", step.target)] if step.activate else []
            messages += [_edge("ACTIVE_END", step.source)] if step.deactivate else []
        case Note():
            messages = [["NOTE", step.over[0], step.over[-1], step.text.replace("\n", "").replace(" ", ""), False]]
        case Activate():
            messages = [_edge("ACTIVE_START", step.participant)]
        case Deactivate():
            messages = [_edge("ACTIVE_END", step.participant)]
        case Begin():
            messages = [[f"{step.fragment.upper()}_START", None, None, step.label, False]]
        case End():
            messages = [[f"{step.fragment.upper()}_END", None, None, "", False]]
    return messages


def _edge(kind: str, participant: str) -> list[Any]:
    return [kind, participant, None, "", False]


def _open_fragments(steps: list[Step]) -> list[str]:
    fragments: list[str] = []
    for step in steps:
        if isinstance(step, Begin):
            fragments.append(step.fragment)
        elif isinstance(step, End):
            fragments.pop()
    return fragments[::-1]


def _open_activations(steps: list[Step]) -> list[str]:
    active: list[str] = []
    for step in steps:
        if isinstance(step, Activate) or (isinstance(step, Message) and step.activate):
            active.append(step.participant if isinstance(step, Activate) else step.target)
        elif isinstance(step, Deactivate) or (isinstance(step, Message) and step.deactivate):
            active.remove(step.participant if isinstance(step, Deactivate) else step.source)
    return active

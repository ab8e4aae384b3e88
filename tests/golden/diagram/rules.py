"""The rules that every picture keeps, whatever was recorded."""

from __future__ import annotations

from itertools import pairwise

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


class Reader:
    """Reads a picture step by step as a renderer would, and fails where it could not draw it."""

    def __init__(self) -> None:
        self.declared: list[str] = []
        self.destroyed: set[str] = set()
        self.active: list[str] = []
        self.fragments: list[str] = []

    def read(self, steps: list[Step]) -> Reader:
        """Raises AssertionError at the first step that breaks a rule."""
        assert len({step.id for step in steps}) == len(steps), "an id stands twice"
        for step in steps:
            self._read(step)
        for one, two in pairwise(steps):
            if isinstance(one, Create):
                assert isinstance(two, Message), two
                assert two.target == one.participant.id, "a column begins with the message that creates it"
            if isinstance(one, Destroy):
                assert isinstance(two, Message), two
                assert two.source == one.participant, "a column ends with its last message"
        assert not self.fragments, "a fragment is open at the end"
        return self

    def _read(self, step: Step) -> None:
        match step:
            case Declare() | Create():
                self.declared.append(step.participant.id)
                assert self.declared.count(step.participant.id) == 1, "a column begins twice"
            case Destroy():
                self._stands(step.participant)
                self._leaving = step.participant
                self.destroyed.add(step.participant)
            case Message():
                self._message(step)
            case Note():
                assert step.over, "a note lies over something"
                assert step.over == sorted(step.over, key=self.declared.index), "from left to right"
                for participant in step.over:
                    self._stands(participant)
            case Activate():
                self._stands(step.participant)
                self.active.append(step.participant)
            case Deactivate():
                self.active.remove(step.participant)
            case Begin():
                self.fragments.append(step.fragment)
            case End():
                assert self.fragments.pop() == step.fragment, "fragments end from the inside out"

    def _message(self, step: Message) -> None:
        leaving, self._leaving = self._leaving, ""
        for participant in (step.source, step.target):
            if participant != leaving:
                self._stands(participant)
        if step.activate:
            self.active.append(step.target)
        if step.deactivate:
            self.active.remove(step.source)

    def _stands(self, participant: str) -> None:
        assert participant in self.declared, "used before it was declared"
        assert participant not in self.destroyed, "used after its end"

    _leaving = ""

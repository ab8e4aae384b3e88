"""Where the steps of one picture are put down: it knows the columns that stand and declares those that are missing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

from tenure_server.diagram import phrases
from tenure_server.diagram.fold import Fold
from tenure_server.diagram.steps import Begin, Create, Declare, Destroy, End, Participant, Step
from tenure_server.model.lens import Lens
from tenure_server.model.records import ResourceRef, Task, TaskRef


class Canvas:
    """The steps so far, and the participants in them.

    A participant is declared directly before its first step; where that is inside a fragment, before the outermost one,
    unless a task was created in there: what that task uses is to stand to its right.
    """

    def __init__(self, lens: Lens, tasks: Mapping[str, Task], processes: Mapping[str, str]) -> None:
        """``processes``: the service of every process in the picture, by process id."""
        self.steps: list[Step] = []
        self._lens = lens
        self._tasks = tasks
        self._suffixes = _suffixes(processes)
        self._columns: dict[tuple[str, ...], str] = {}  # what stands in a column -> participant id
        self._places: dict[str, int] = {}  # participant id -> how many columns stand to its left
        self._gone: set[str] = set()
        self._fragments = 0
        self._declare_at: int | None = None  # where declarations go while a fragment is open

    @property
    def in_fold(self) -> bool:
        return self._fragments > 0

    def resource(self, ref: ResourceRef, process: str) -> str:
        """The column of a resource, or of all that are of its kind."""
        by_kind = self._lens.resources == "kind"
        column = ("resource", process, ref.kind) if by_kind else ("resource", ref.id)
        if (found := self._columns.get(column)) is not None:
            return found
        label = phrases.resource(ref.kind, "" if by_kind else ref.name, None if by_kind else ref.capacity)
        participant = self._stand(column, "resource", ref.stereotype, label + self._suffixes[process], ref.id)
        self._declare(Declare(f"{ref.id}:resource", participant))
        return participant.id

    def task(self, ref: TaskRef, process: str) -> str:
        """The column of a task, or of all that run its coroutine."""
        column = self._task_column(ref, process)
        if (found := self._columns.get(column)) is not None:
            return found
        participant = self._stand(column, "task", "participant", self._task_label(ref, process), ref.id)
        self._declare(Declare(f"{ref.id}:task", participant))
        return participant.id

    def create(self, ref: TaskRef, process: str) -> str:
        """A task's column begins with the message that follows; one that stands already goes on."""
        column = self._task_column(ref, process)
        if (found := self._columns.get(column)) is not None:
            return found
        participant = self._stand(column, "task", "participant", self._task_label(ref, process), ref.id)
        self.steps.append(Create(f"{ref.id}:task", participant))
        self._declare_at = None
        return participant.id

    def destroy(self, ref: TaskRef, participant: str) -> None:
        """A task's column ends with the message that follows."""
        self._gone.add(participant)
        self.steps.append(Destroy(f"{ref.id}:end", participant))

    def is_present(self, participant: str) -> bool:
        return participant not in self._gone

    def begin(self, fold: Fold) -> None:
        if self._fragments == 0:
            self._declare_at = len(self.steps)
        self._fragments += 1
        self.steps.append(Begin(f"{fold.id}:begin", fold.fragment, fold.label, fold.id))

    def end(self, fold: Fold) -> None:
        self._fragments -= 1
        if self._fragments == 0:
            self._declare_at = None
        self.steps.append(End(f"{fold.id}:end", fold.fragment))

    def over(self, *participants: str) -> list[str]:
        """What a note can lie over: of these the columns that have not ended, from left to right."""
        standing = {participant for participant in participants if participant not in self._gone}
        return sorted(standing, key=self._places.__getitem__)

    def _declare(self, step: Declare) -> None:
        if self._declare_at is None:
            self.steps.append(step)
        else:
            self.steps.insert(self._declare_at, step)
            self._declare_at += 1

    def _stand(
        self, column: tuple[str, ...], role: Literal["task", "resource"], stereotype: str, label: str, ref: str
    ) -> Participant:
        short = _short_id(role, ref)
        participant = Participant(f"{role}-{ref}" if short in self._places else short, role, stereotype, label, ref)
        self._columns[column] = participant.id
        self._places[participant.id] = len(self._places)
        return participant

    def _task_column(self, ref: TaskRef, process: str) -> tuple[str, ...]:
        if self._lens.tasks == "coroutine" and (record := self._tasks.get(ref.id)) and record.coroutine:
            return "task", process, record.coroutine
        return "task", ref.id

    def _task_label(self, ref: TaskRef, process: str) -> str:
        crowd = self._crowds.get(self._task_column(ref, process), ())
        label = phrases.crowd(crowd) if crowd else phrases.task(ref.name)
        suffix = self._suffixes[process]
        return label if suffix == f" @ {label}" else label + suffix

    @cached_property
    def _crowds(self) -> dict[tuple[str, ...], list[Task]]:
        """The tasks of this picture that share a column, by that column."""
        crowds: dict[tuple[str, ...], list[Task]] = {}
        if self._lens.tasks == "coroutine":
            for task in self._tasks.values():
                if task.coroutine:
                    crowds.setdefault(("task", task.process, task.coroutine), []).append(task)
        return crowds


def _short_id(role: str, ref: str) -> str:
    """Every message names two participants, so their ids are kept short: "<32 hex>-12" of a task -> "t12-<8 hex>"."""
    process, _, number = ref.rpartition("-")
    return f"{role[0]}{number}-{process[:8]}"


def _suffixes(processes: Mapping[str, str]) -> dict[str, str]:
    """What tells the columns of several processes apart: the service, and the process where two run one service."""
    if len(processes) < 2:
        return dict.fromkeys(processes, "")
    services = list(processes.values())
    return {
        process: f" @ {service}" if services.count(service) == 1 else f" @ {service} {process[:4]}"
        for process, service in processes.items()
    }

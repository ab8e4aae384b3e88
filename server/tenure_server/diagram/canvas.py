"""The steps of one diagram as it is drawn; a column is declared when a step first needs it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

from tenure_server.diagram import phrases
from tenure_server.diagram.fold import Fold
from tenure_server.diagram.process_names import ProcessNames
from tenure_server.diagram.steps import Begin, Create, Declare, Destroy, End, Participant, Step
from tenure_server.model.lens import Lens
from tenure_server.model.records import ResourceRef, Task, TaskRef


class Canvas:
    """The steps so far, and the participants in them.

    A participant is declared directly before its first step, or, if that step is in a fragment, before the outermost
    fragment. If a task was created in the fragment, the resources of that task are declared in it, to the task's right.
    """

    def __init__(self, lens: Lens, tasks: Mapping[str, Task], processes: ProcessNames) -> None:
        self.steps: list[Step] = []
        self._lens = lens
        self._tasks = tasks
        self._processes = processes
        self._columns: dict[tuple[str, ...], str] = {}  # key of a column -> participant id
        self._positions: dict[str, int] = {}  # participant id -> number of columns to its left
        self._destroyed: set[str] = set()
        self._fragments = 0
        self._declare_at: int | None = None  # where declarations go while a fragment is open

    @property
    def in_fold(self) -> bool:
        return self._fragments > 0

    def resource(self, ref: ResourceRef, process: str) -> str:
        """The column of a resource, or of all resources of its kind."""
        by_kind = self._lens.resources == "kind"
        column = ("resource", process, ref.kind) if by_kind else ("resource", ref.id)
        if (participant_id := self._columns.get(column)) is not None:
            return participant_id
        label = phrases.resource(ref.kind, "" if by_kind else ref.name, None if by_kind else ref.capacity)
        label += self._processes.suffix(process)
        ended = self._processes.has_ended(process)
        participant = self._add_column(column, "resource", ref.stereotype, label, ref.id, ended=ended)
        self._declare(Declare(f"{ref.id}:resource", participant))
        return participant.id

    def task(self, ref: TaskRef, process: str) -> str:
        """The column of a task, or of all tasks that run its coroutine."""
        column = self._task_column(ref, process)
        if (participant_id := self._columns.get(column)) is not None:
            return participant_id
        participant = self._add_task(column, ref, process)
        self._declare(Declare(f"{ref.id}:task", participant))
        return participant.id

    def create(self, ref: TaskRef, process: str) -> str:
        """Begin a task's column at the message that follows, unless the column is there already."""
        column = self._task_column(ref, process)
        if (participant_id := self._columns.get(column)) is not None:
            return participant_id
        participant = self._add_task(column, ref, process)
        self.steps.append(Create(f"{ref.id}:task", participant))
        self._declare_at = None
        return participant.id

    def destroy(self, ref: TaskRef, participant: str) -> None:
        """End a task's column at the message that follows."""
        self._destroyed.add(participant)
        self.steps.append(Destroy(f"{ref.id}:end", participant))

    def is_present(self, participant: str) -> bool:
        return participant not in self._destroyed

    def begin(self, fold: Fold) -> None:
        if self._fragments == 0:
            self._declare_at = len(self.steps)
        self._fragments += 1
        self.steps.append(Begin(f"{fold.id}:begin", fold.fragment, fold.label, fold.id, fold.lifecycles))

    def end(self, fold: Fold) -> None:
        self._fragments -= 1
        if self._fragments == 0:
            self._declare_at = None
        self.steps.append(End(f"{fold.id}:end", fold.fragment))

    def note_columns(self, *participants: str) -> list[str]:
        """Those of the columns that have not ended, from left to right: a note can be drawn over them."""
        present = {participant for participant in participants if participant not in self._destroyed}
        return sorted(present, key=self._positions.__getitem__)

    def _declare(self, step: Declare) -> None:
        if self._declare_at is None:
            self.steps.append(step)
        else:
            self.steps.insert(self._declare_at, step)
            self._declare_at += 1

    def _add_task(self, column: tuple[str, ...], ref: TaskRef, process: str) -> Participant:
        record = self._tasks.get(ref.id) if self._lens.tasks == "task" else None
        ended = self._processes.has_ended(process) or (record is not None and record.finished_ns is not None)
        return self._add_column(column, "task", "participant", self._task_label(ref, process), ref.id, ended=ended)

    def _add_column(
        self,
        column: tuple[str, ...],
        role: Literal["task", "resource"],
        stereotype: str,
        label: str,
        ref: str,
        *,
        ended: bool,
    ) -> Participant:
        short = _short_id(role, ref)
        column_id = f"{role}-{ref}" if short in self._positions else short
        participant = Participant(column_id, role, stereotype, label, ref, ended)
        self._columns[column] = participant.id
        self._positions[participant.id] = len(self._positions)
        return participant

    def _task_column(self, ref: TaskRef, process: str) -> tuple[str, ...]:
        if self._lens.tasks == "coroutine" and (record := self._tasks.get(ref.id)) and record.coroutine:
            return "task", process, record.coroutine
        return "task", ref.id

    def _task_label(self, ref: TaskRef, process: str) -> str:
        tasks = self._tasks_by_column.get(self._task_column(ref, process), ())
        label = phrases.common_name(tasks) if tasks else phrases.task(ref.name)
        suffix = self._processes.suffix(process)
        return label if suffix == f" @ {label}" else label + suffix

    @cached_property
    def _tasks_by_column(self) -> dict[tuple[str, ...], list[Task]]:
        """The tasks of this diagram that share a column, by the key of that column."""
        tasks_by_column: dict[tuple[str, ...], list[Task]] = {}
        if self._lens.tasks == "coroutine":
            for task in self._tasks.values():
                if task.coroutine:
                    tasks_by_column.setdefault(("task", task.process, task.coroutine), []).append(task)
        return tasks_by_column


def _short_id(role: str, ref: str) -> str:
    """A short id, because every message names two participants: "<32 hex>-12" of a task -> "t12-<8 hex>"."""
    process, _, number = ref.rpartition("-")
    return f"{role[0]}{number}-{process[:8]}"

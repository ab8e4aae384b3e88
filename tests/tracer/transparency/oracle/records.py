"""What is compared: everything that the record of a program says, batch by batch."""

from __future__ import annotations

import re
from typing import NamedTuple

from tenure import wire

_NUMBER = re.compile(r"-\d+$")
_CONTENTS = re.compile(r"(\(\d+ sub-exceptions?\)): .*", re.DOTALL)


class Lifecycle(NamedTuple):
    """One row with its tables read in. Instants are the clock's; None: not reached."""

    id: int
    parent: int
    trace: int  # the root's id
    link: int
    task: int
    resource: wire.Resource
    site: wire.Site
    acquire: int
    acquired: int | None
    release: int | None
    released: int | None
    outcomes: str  # of acquire, body and release, "ok error ok"; "suppressed" at the end
    body_exception: str  # "ValueError: message"
    exception: str
    releaser: int  # the task that released it, where that is another one, else 0
    resent: bool


class Task(NamedTuple):
    """What the last batch that names it says of a task."""

    id: int
    name: str  # without the number that tells apart those of one coroutine
    coroutine: str
    kind: str
    parent: int
    created_in: int
    created: int | None
    finished: int | None
    outcome: str
    exception: str
    loop: int
    thread: str


class Record(NamedTuple):
    """All flushes of a program: the lifecycles that each told of, and the tasks that any did."""

    flushes: list[list[Lifecycle]]
    tasks: list[Task]


def read(flushes: list[list[wire.Batch]]) -> Record:
    """What so many flushes gave. Of a canceller that was forgotten already only the name is told: that is left out."""
    entries = ((batch, task) for batches in flushes for batch in batches for task in batch.tasks)
    tasks = {task.id: _task(batch, task) for batch, task in entries if task.coroutine or task.kind == "thread"}
    rows = [[row for batch in batches for row in _lifecycles(batch)] for batches in flushes]
    return Record(rows, [tasks[number] for number in sorted(tasks)])


def _lifecycles(batch: wire.Batch) -> list[Lifecycle]:
    lifecycles = []
    acquire = batch.base_ns
    releasers = {release.row: batch.tasks[release.task].id for release in batch.releases}
    for place, row in enumerate(batch.rows):
        acquire += row.acquire_ns
        acquired = _after(acquire, row.wait_ns)
        release = _after(acquired, row.hold_ns)
        trace = batch.traces[row.trace]
        lifecycles.append(
            Lifecycle(
                row.id,
                row.parent,
                trace.root,
                trace.link,
                batch.tasks[row.task].id,
                batch.resources[row.resource],
                batch.sites[row.site],
                acquire,
                acquired,
                release,
                _after(release if release is not None else acquire, row.release_ns),
                _outcomes(row.outcomes),
                _exception(batch, row.body_exception),
                _exception(batch, row.exception),
                releasers.get(place, 0),
                bool(row.outcomes & wire.RESENT),
            )
        )
    return lifecycles


def _task(batch: wire.Batch, task: wire.Task) -> Task:
    return Task(
        task.id,
        _NUMBER.sub("", task.name),
        task.coroutine,
        task.kind,
        task.parent,
        task.created_in,
        task.created_ns,
        task.finished_ns,
        wire.OUTCOMES[task.outcome] or "",
        _exception(batch, task.exception),
        task.loop,
        task.thread,
    )


def _after(instant: int | None, duration: int) -> int | None:
    return None if instant is None or duration == wire.NOT_REACHED else instant + duration


def _outcomes(bits: int) -> str:
    words = [wire.OUTCOMES[bits >> shift & 3] or "-" for shift in (0, wire.BODY_SHIFT, wire.RELEASE_SHIFT)]
    return " ".join([*words, "suppressed"] if bits & wire.SUPPRESSED else words)


def _exception(batch: wire.Batch, number: int) -> str:
    if not number:
        return ""
    exception = batch.exceptions[number - 1]
    # What is in a group is the tracer's own addition to Python's message (tests/tracer/identify/test_exception_groups).
    message = _CONTENTS.sub(r"\1", exception.message)
    return f"{exception.type}: {message}"

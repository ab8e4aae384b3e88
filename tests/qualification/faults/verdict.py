"""What the record has of what the program did, and whether that is all that was promised."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tests.qualification.faults.collector import HELD, Collector
from tests.qualification.faults.program_run import Done

from tenure import wire
from tenure_server.offline.sources.recording import read_recording

GRACE_NS = 500_000_000  # what a process that is killed did in its last half second may be missing: it was not flushed


UNANSWERED = 300  # lifecycles of one request at most that a collector stored and was killed before it answered


class Stored(NamedTuple):
    """The program's lifecycles in a store or a recording. ``counted`` is what the store's own counters say of them."""

    lifecycles: int
    closed: int
    repeated: int  # how many of them are there more than once
    dropped: int
    holds_ns: list[int]
    counted: int
    sink: str = "the collector"  # as Tenure calls it where it says what it lost


_LOST = re.compile(r"(\d+) lifecycles? (?:was|were) lost: (the \w+)")


class Told(NamedTuple):
    """One scenario's row. ``dropped`` were counted or said; ``wrong`` is empty where all is as it should be."""

    entered: int
    stored: int
    dropped: int
    wrong: list[str]


def of_collector(collector: Collector) -> Stored:
    """What a collector answers."""
    lifecycles = [one for one in collector.items("/api/lifecycles") if one["resource"]["kind"] == HELD]
    ids = Counter(one["id"] for one in lifecycles)
    closed = [one for one in lifecycles if one["phase"] == "closed"]
    resources = (one for one in collector.items("/api/resources") if one["kind"] == HELD)
    return Stored(
        len(ids),
        len(closed),
        len(lifecycles) - len(ids),
        sum(sum(process["dropped"].values()) for process in collector.items("/api/processes")),
        [one["release_ns"] - one["acquired_ns"] for one in closed],
        sum(resource["total"] for resource in resources),
    )


def of_recording(path: Path) -> Stored:
    """What a recording has, also one that was cut off."""
    last: dict[tuple[bytes, int], wire.Row] = {}
    closings: Counter[tuple[bytes, int]] = Counter()
    dropped: dict[bytes, int] = {}
    for batch in read_recording(path).batches:
        dropped[batch.process.id] = sum(batch.dropped.values())
        for row in batch.rows:
            if batch.resources[row.resource].kind == HELD:
                last[batch.process.id, row.id] = row
                closings[batch.process.id, row.id] += row.release_ns != wire.NOT_REACHED
    closed = [row for row in last.values() if row.release_ns != wire.NOT_REACHED]
    repeated = sum(times > 1 for times in closings.values())
    holds = [row.hold_ns for row in closed]
    return Stored(len(last), len(closed), repeated, sum(dropped.values()), holds, len(last), "the recording")


def judge(
    plain: Done,
    recorded: Done,
    stored: Stored,
    *,
    killed: bool = False,
    unanswered: int = 0,
    gone: int = 0,
    troubles: int = 1,
) -> Told:
    """The program is as it is without a recording; what it entered is stored or said to be lost, and nothing is twice.

    ``killed``: what it did in its last moment may be missing, or open, and it could say nothing. ``unanswered``: so
    many may be stored and said to be lost, for the collector was killed between the one and the answer. ``gone``:
    so many were answered, and were in a file that is gone. ``troubles``: so many lines may be said beside those that
    say what is lost.
    """
    wrong = []
    if recorded.as_the_program() != plain.as_the_program():
        wrong.append(f"the program came to {recorded.as_the_program()}, as it is to {plain.as_the_program()}")
    count = recorded.own
    said = lost_by(recorded, stored.sink)
    dropped = stored.dropped if killed else said
    if killed:
        end = max(count.left, default=0)
        missing = sum(left < end - GRACE_NS for left in count.left) - stored.lifecycles
        if missing > dropped:
            wrong.append(f"{missing} are missing and {dropped} are counted as dropped")
    elif not 0 <= stored.closed + said + gone - count.entered <= unanswered:
        wrong.append(
            f"{count.entered} were entered, {stored.closed} are stored and closed, {said} are said to be lost"
            + (f", {gone} are gone with the file" if gone else "")
        )
    elif stored.dropped > said:
        wrong.append(f"{stored.dropped} are counted as dropped, {said} are said to be lost")
    if stored.lifecycles > count.entered or stored.repeated:
        wrong.append(f"{stored.lifecycles - count.entered} more than were entered, {stored.repeated} are there twice")
    if stored.counted != stored.lifecycles:
        wrong.append(f"the store counts {stored.counted} where it has {stored.lifecycles}")
    if not stored.lifecycles:
        wrong.append("nothing was recorded, so nothing was tried")
    others = sorted({line for line in recorded.said if not _LOST.search(line)})
    if len(others) > troubles:
        wrong.append(f"Tenure said more than {troubles} line: {others}")
    return Told(count.entered, stored.lifecycles, dropped, wrong)


def lost_by(recorded: Done, sink: str) -> int:
    """How many lifecycles the program's processes said to be lost to this sink; the buffer is everybody's."""
    found = (match for line in recorded.said for match in _LOST.finditer(line))
    return sum(int(number) for number, where in (match.groups() for match in found) if where in {sink, "the buffer"})

"""Compares what was recorded with what the program did and with what is promised."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tests.qualification.faults.collector import HELD, Collector
from tests.qualification.faults.program_run import ProgramExit

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


class Verdict(NamedTuple):
    """One scenario's row. ``dropped`` were counted or reported; ``breaches`` is empty where every promise was kept."""

    entered: int
    stored: int
    dropped: int
    breaches: list[str]


def stored_by_collector(collector: Collector) -> Stored:
    """The program's lifecycles, as the collector's API has them."""
    lifecycles = [item for item in collector.items("/api/lifecycles") if item["resource"]["kind"] == HELD]
    ids = Counter(item["id"] for item in lifecycles)
    closed = [item for item in lifecycles if item["phase"] == "closed"]
    resources = (item for item in collector.items("/api/resources") if item["kind"] == HELD)
    return Stored(
        len(ids),
        len(closed),
        len(lifecycles) - len(ids),
        sum(sum(process["dropped"].values()) for process in collector.items("/api/processes")),
        [item["release_ns"] - item["acquired_ns"] for item in closed],
        sum(resource["total"] for resource in resources),
    )


def stored_in_recording(path: Path) -> Stored:
    """The program's lifecycles in a recording, which may be cut off."""
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
    plain: ProgramExit,
    recorded: ProgramExit,
    stored: Stored,
    *,
    killed: bool = False,
    unanswered: int = 0,
    gone: int = 0,
    troubles: int = 1,
) -> Verdict:
    """The program ends as without a recording; what it entered is stored once or reported as lost.

    ``killed``: the program could report nothing, and its last moment may be missing or open. ``unanswered``: at most
    so many may be both stored and reported as lost, because the collector was killed before it answered. ``gone``: so
    many were acknowledged and were in a file that was deleted. ``troubles``: Tenure may print so many lines besides
    those that report losses.
    """
    breaches = []
    if recorded.visible_result() != plain.visible_result():
        breaches.append(f"the program came to {recorded.visible_result()}, as it is to {plain.visible_result()}")
    count = recorded.own_count
    reported = lost_by(recorded, stored.sink)
    dropped = stored.dropped if killed else reported
    if killed:
        end = max(count.left, default=0)
        missing = sum(left < end - GRACE_NS for left in count.left) - stored.lifecycles
        if missing > dropped:
            breaches.append(f"{missing} are missing and {dropped} are counted as dropped")
    elif not 0 <= stored.closed + reported + gone - count.entered <= unanswered:
        breaches.append(
            f"{count.entered} were entered, {stored.closed} are stored and closed, {reported} are said to be lost"
            + (f", {gone} are gone with the file" if gone else "")
        )
    elif stored.dropped > reported:
        breaches.append(f"{stored.dropped} are counted as dropped, {reported} are said to be lost")
    if stored.lifecycles > count.entered or stored.repeated:
        breaches.append(
            f"{stored.lifecycles - count.entered} more than were entered, {stored.repeated} are there twice"
        )
    if stored.counted != stored.lifecycles:
        breaches.append(f"the store counts {stored.counted} where it has {stored.lifecycles}")
    if not stored.lifecycles:
        breaches.append("nothing was recorded, so nothing was tried")
    others = sorted({line for line in recorded.messages if not _LOST.search(line)})
    if len(others) > troubles:
        breaches.append(f"Tenure said more than {troubles} line: {others}")
    return Verdict(count.entered, stored.lifecycles, dropped, breaches)


def lost_by(recorded: ProgramExit, sink: str) -> int:
    """How many lifecycles the program's processes reported as lost to this sink; the buffer is every sink's."""
    matches = (match for line in recorded.messages for match in _LOST.finditer(line))
    return sum(int(number) for number, where in (match.groups() for match in matches) if where in {sink, "the buffer"})

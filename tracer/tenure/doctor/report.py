"""What ``tenure doctor`` found in a program: as values, which ``--json`` writes, and as a page for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from tenure.doctor.entry_watcher import BY_DESIGN, Seen
from tenure.doctor.faults import Fault
from tenure.doctor.modules import Module

SHOWN = 40  # lines of each part on the page; the values have all


class Recorded(msgspec.Struct, frozen=True):
    """A type of managers and how often one was recorded, by the way that saw it: rewritten, adapter, tracked."""

    type: str
    how: dict[str, int]


class Unrecorded(msgspec.Struct, frozen=True):
    """Managers of one type that were entered at one place and not recorded."""

    type: str
    count: int
    file: str
    line: int
    function: str
    reason: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a program."""

    program: str
    python: str
    probe: str
    watched_by: str  # how the entries were seen: "sys.monitoring", "sys.setprofile", "" not at all
    limits: list[str]  # what could not be seen
    modules: list[Module]
    recorded: list[Recorded]
    missed: list[Unrecorded]
    left_out: list[Unrecorded]  # by design
    lifecycles: int  # that came out of the buffer
    dropped: dict[str, int]
    faults: list[Fault]


def recorded(seen: Counter[Seen]) -> list[Recorded]:
    """What was recorded, the most frequent type first."""
    ways: dict[str, dict[str, int]] = {}
    for one, count in seen.items():
        if one.how:
            ways.setdefault(one.type, {})[one.how] = count
    return sorted(
        (Recorded(kind, how) for kind, how in ways.items()), key=lambda one: (-sum(one.how.values()), one.type)
    )


def unrecorded(seen: Counter[Seen], *, by_design: bool) -> list[Unrecorded]:
    """What was missed, or left out by design; the most frequent first."""
    found = [
        Unrecorded(one.type, count, one.file, one.line, one.function, one.reason.removeprefix(BY_DESIGN))
        for one, count in seen.items()
        if not one.how and one.reason.startswith(BY_DESIGN) is by_design
    ]
    return sorted(found, key=lambda one: (-one.count, one.type, one.file, one.line))


def text(report: Report) -> str:
    """The page."""
    watched = f"entries observed by {report.watched_by}" if report.watched_by else "entries not observed"
    faults = report.faults
    count = sum(sum(one.how.values()) for one in report.recorded)
    parts = [
        [f"tenure doctor: {report.program}, CPython {report.python}, {report.probe} probe, {watched}"],
        _part("rewritten modules", _modules(report.modules, rewritten=True)),
        _part("modules of the program that are not rewritten", _modules(report.modules, rewritten=False)),
        _part("managers recorded", [_recorded(one) for one in report.recorded]),
        _part("managers missed", [_unrecorded(one) for one in report.missed]),
        _part("managers left out by design", [_unrecorded(one) for one in report.left_out]),
        _part("dropped", [_row(count, reason) for reason, count in sorted(report.dropped.items())]),
        _part("faults in Tenure (please report them)", [_row(0, f"{one.where}: {one.error}") for one in faults]),
        _part("not observed", [_row(0, limit) for limit in report.limits]),
        [f"lifecycles recorded: {count}; read from the buffer: {report.lifecycles}"],
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


def _part(title: str, items: Iterable[str]) -> list[str]:
    items = list(items)
    more = [_row(0, f"and {len(items) - SHOWN} more (--json lists all)")] if len(items) > SHOWN else []
    return [f"{title}: {len(items) or 'none'}", *items[:SHOWN], *more]


def _modules(modules: list[Module], *, rewritten: bool) -> Iterator[str]:
    for one in modules:
        if rewritten is not bool(one.reason):
            what = f"{one.name}, {one.file}" if rewritten else f"{one.name}: {one.reason}"
            yield _row(one.sites, f"{'site' if one.sites == 1 else 'sites'} in {what}")


def _recorded(one: Recorded) -> str:
    ways = ", ".join(f"{count} {how}" for how, count in sorted(one.how.items()))
    return _row(sum(one.how.values()), f"{one.type} ({ways})")


def _unrecorded(one: Unrecorded) -> str:
    return _row(one.count, f"{one.type}: {one.reason}\n{'':10}at {one.file}:{one.line} in {one.function}")


def _row(count: int, what: str) -> str:
    return f"{count or '':>8}  {what}"

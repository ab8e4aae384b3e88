"""The report of ``tenure doctor`` about a program: as values, which ``--json`` writes, and as a page for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from tenure.doctor.entry_watcher import BY_DESIGN, Seen
from tenure.doctor.faults import Fault
from tenure.doctor.modules import Module

SHOWN = 40  # lines of each part on the page; the values are complete


class RecordedManagers(msgspec.Struct, frozen=True):
    """A type of managers and how often it was recorded, by the mechanism: rewritten, adapter, tracked."""

    type: str
    how: dict[str, int]


class UnrecordedManagers(msgspec.Struct, frozen=True):
    """Managers of one type that were entered at one line and not recorded."""

    type: str
    count: int
    file: str
    line: int
    function: str
    reason: str


class ProcessReport(msgspec.Struct, frozen=True):
    """Another process of the program. ``report``: None if it has none; ``reason`` says why."""

    pid: int
    command: str
    reason: str
    report: ProgramReport | None


class ProgramReport(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a program."""

    program: str
    service: str
    python: str
    probe: str
    watched_by: str  # what observed the entries: "sys.monitoring", "sys.setprofile"; "": nothing
    limits: list[str]  # what could not be observed
    modules: list[Module]
    recorded: list[RecordedManagers]
    missed: list[UnrecordedManagers]
    left_out: list[UnrecordedManagers]  # by design
    lifecycles: int  # read from the buffer
    internal: int = 0  # of them, those that libraries entered for their own ends
    dropped: dict[str, int]
    faults: list[Fault]
    processes: list[ProcessReport] = []  # that it started, and those that they started


class CommandReport(msgspec.Struct, frozen=True):
    """One run of a command that is no program of this Python."""

    command: str
    processes: list[ProcessReport]


def recorded(seen: Counter[Seen]) -> list[RecordedManagers]:
    """List the recorded types, the most frequent one first."""
    counts: dict[str, dict[str, int]] = {}
    for entry, count in seen.items():
        if entry.how:
            counts.setdefault(entry.type, {})[entry.how] = count
    managers = [RecordedManagers(kind, by_mechanism) for kind, by_mechanism in counts.items()]
    return sorted(managers, key=lambda manager: (-sum(manager.how.values()), manager.type))


def unrecorded(seen: Counter[Seen], *, by_design: bool) -> list[UnrecordedManagers]:
    """List the managers that were missed, or left out by design; the most frequent first."""
    managers = [
        UnrecordedManagers(
            entry.type, count, entry.file, entry.line, entry.function, entry.reason.removeprefix(BY_DESIGN)
        )
        for entry, count in seen.items()
        if not entry.how and entry.reason.startswith(BY_DESIGN) is by_design
    ]
    return sorted(managers, key=lambda manager: (-manager.count, manager.type, manager.file, manager.line))


def text(report: ProgramReport) -> str:
    """Render the report for people."""
    watched = f"entries observed by {report.watched_by}" if report.watched_by else "entries not observed"
    faults = report.faults
    count = sum(sum(manager.how.values()) for manager in report.recorded)
    parts = [
        [f"tenure doctor: {report.program}, CPython {report.python}, {report.probe} probe, {watched}"],
        _part("rewritten modules", _modules(report.modules, rewritten=True)),
        _part("modules of the program that are not rewritten", _modules(report.modules, rewritten=False)),
        _part("managers recorded", map(_recorded, report.recorded)),
        _part("managers missed", map(_unrecorded, report.missed)),
        _part("managers left out by design", map(_unrecorded, report.left_out)),
        _part("dropped", [_line(count, reason) for reason, count in sorted(report.dropped.items())]),
        _part("faults in Tenure (please report them)", [_line(0, f"{fault.where}: {fault.error}") for fault in faults]),
        _part("not observed", [_line(0, limit) for limit in report.limits]),
        [f"lifecycles recorded: {count}; read from the buffer: {_lifecycles(report)}"],
        *map(_process, report.processes),
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


def command_text(report: CommandReport) -> str:
    """Render the report about a command for people."""
    head = [f"tenure doctor: {report.command}, Python processes: {len(report.processes) or 'none'}"]
    return "\n".join(line for part in [head, *map(_process, report.processes)] for line in part) + "\n"


def _process(process: ProcessReport) -> list[str]:
    """The section of another process: what has no entries is left out."""
    report = process.report
    title = f"{report.service if report is not None else 'process'} #{process.pid}, {process.command}"
    if report is None:
        return [f"{title}: {process.reason}"]
    parts = [
        ("managers recorded", map(_recorded, report.recorded)),
        ("managers missed", map(_unrecorded, report.missed)),
        ("dropped", (_line(count, reason) for reason, count in sorted(report.dropped.items()))),
        (
            "faults in Tenure (please report them)",
            (_line(0, f"{fault.where}: {fault.error}") for fault in report.faults),
        ),
    ]
    own = report.lifecycles - report.internal
    count = f"{_lifecycles(report, ' lifecycle' if own == 1 else ' lifecycles')} recorded"
    lists = [(name, list(lines)) for name, lines in parts]
    return [f"{title}: {count}", *(line for name, lines in lists if lines for line in _part(name, lines))]


def _lifecycles(report: ProgramReport, noun: str = "") -> str:
    """The program's own, and apart from them those that views leave out."""
    of_libraries = f" (and {report.internal} of libraries, left out)" if report.internal else ""
    return f"{report.lifecycles - report.internal}{noun}{of_libraries}"


def _part(title: str, items: Iterable[str]) -> list[str]:
    items = list(items)
    more = [_line(0, f"and {len(items) - SHOWN} more (--json lists all)")] if len(items) > SHOWN else []
    return [f"{title}: {len(items) or 'none'}", *items[:SHOWN], *more]


def _modules(modules: list[Module], *, rewritten: bool) -> Iterator[str]:
    for module in modules:
        if rewritten is not bool(module.reason):
            detail = f"{module.name}, {module.file}" if rewritten else f"{module.name}: {module.reason}"
            yield _line(module.sites, f"{'site' if module.sites == 1 else 'sites'} in {detail}")


def _recorded(manager: RecordedManagers) -> str:
    counts = ", ".join(f"{count} {mechanism}" for mechanism, count in sorted(manager.how.items()))
    return _line(sum(manager.how.values()), f"{manager.type} ({counts})")


def _unrecorded(manager: UnrecordedManagers) -> str:
    place = f"{manager.file}:{manager.line} in {manager.function}"
    return _line(manager.count, f"{manager.type}: {manager.reason}\n{'':10}at {place}")


def _line(count: int, text: str) -> str:
    return f"{count or '':>8}  {text}"

"""The title of a diagram: whose it is, and of which time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

from tenure_server.diagram.phrases import shortened
from tenure_server.model.records import OPEN_PHASES, Lifecycle, Process

MAX_NAMED = 3  # processes
_MAX_SERVICE = 40  # characters
_SECOND_NS = 1_000_000_000
_LAST_S = 253_402_300_799  # of the year 9999


def title_of(lifecycles: Sequence[Lifecycle], processes: Mapping[str, Process], now_ns: int) -> str:
    """The title, "shop #28277, 2026-11-30 14:02:05 to 14:02:37 UTC"; "" without lifecycles.

    ``processes`` are those of the lifecycles, by id. The time ends with the last event, or now where one is open.
    """
    if not lifecycles:
        return ""
    services = {lifecycle.process: lifecycle.service for lifecycle in lifecycles}
    names = dict.fromkeys(_name(service, processes.get(process)) for process, service in services.items())
    begin_ns = min(lifecycle.acquire_ns for lifecycle in lifecycles)
    end_ns = max(map(_last_ns, lifecycles))
    if any(lifecycle.phase in OPEN_PHASES for lifecycle in lifecycles):
        end_ns = max(end_ns, now_ns)
    return f"{_join(names)}, {_period(begin_ns, end_ns)} UTC"


def _name(service: str, process: Process | None) -> str:
    """A service of which only spans arrived has no pid."""
    name = shortened(service, _MAX_SERVICE) or "process"
    return f"{name} #{process.pid}" if process is not None and process.pid > 0 else name


def _join(names: Collection[str]) -> str:
    named = list(names)[:MAX_NAMED]
    more = len(names) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


def _last_ns(lifecycle: Lifecycle) -> int:
    return lifecycle.released_ns or lifecycle.release_ns or lifecycle.acquired_ns or lifecycle.acquire_ns


def _period(begin_ns: int, end_ns: int) -> str:
    begin, end = _utc(begin_ns), _utc(end_ns)
    if begin == end:
        return f"{begin:%Y-%m-%d %H:%M:%S}"
    last = f"{end:%H:%M:%S}" if begin.date() == end.date() else f"{end:%Y-%m-%d %H:%M:%S}"
    return f"{begin:%Y-%m-%d %H:%M:%S} to {last}"


def _utc(at_ns: int) -> datetime:
    """To the second. A program's clock may say anything."""
    return datetime.fromtimestamp(min(max(at_ns // _SECOND_NS, 0), _LAST_S), UTC)

"""Titles of diagrams."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from tests.golden.diagram.scenario import Scenario

from tenure_server.diagram import title_of
from tenure_server.model.records import Lifecycle, Process

NOON_NS = int(datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()) * 1_000_000_000
SECOND_NS = 1_000_000_000


def process(name: str, pid: int) -> Process:
    return Process(name, "", "host", pid, "3.11.7", 0, 0, alive=True, dropped={})


def use(begin_s: float, end_s: float | None, process_id: str = "a", service: str = "shop") -> Lifecycle:
    s = Scenario()
    lifecycle = s.use(s.task("main"), s.resource("Lock"), (0, 0, 0, 0) if end_s is not None else (0, 0, None, None))
    begin_ns = NOON_NS + round(begin_s * SECOND_NS)
    end_ns = None if end_s is None else NOON_NS + round(end_s * SECOND_NS)
    return replace(
        lifecycle, process=process_id, service=service,
        acquire_ns=begin_ns, acquired_ns=begin_ns, release_ns=end_ns, released_ns=end_ns,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("begin_s", "end_s", "now_s", "expected"),
    [
        (0, 0.9, 99, "2026-11-30 12:00:00"),
        (0.5, 32, 99, "2026-11-30 12:00:00 to 12:00:32"),
        (0, None, 40, "2026-11-30 12:00:00 to 12:00:40"),
        (0, 86_401, 99, "2026-11-30 12:00:00 to 2026-12-01 12:00:01"),
        (-4e9, -4e9, 0, "1970-01-01 00:00:00"),
    ],
)
def test_it_names_the_process_and_the_time(begin_s: float, end_s: float | None, now_s: int, expected: str) -> None:
    """To the last event, or while something is open to now; a clock may be wrong."""
    title = title_of([use(begin_s, end_s)], {"a": process("a", 28277)}, NOON_NS + now_s * SECOND_NS)
    assert title == f"shop #28277, {expected} UTC"


def test_it_names_some_processes_and_counts_the_others() -> None:
    """A process without a pid, of which only spans arrived, is its service; equal names are one."""
    lifecycles = [use(0, 0, name, f"shop-{name}") for name in "abcde"] + [use(0, 0, "f", "shop-a")]
    processes = {name: process(name, number) for number, name in enumerate("abcde")}
    assert title_of(lifecycles, processes, 0).startswith("shop-a, shop-b #1, shop-c #2 and 2 more, 2026")
    assert title_of([], {}, 0) == ""

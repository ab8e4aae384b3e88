"""Spans that a program exports by OpenTelemetry's SDK to a Tenure collector are lifecycles there."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.server.support.collector import collecting
from tests.tracer.support.programs import Done, tenure, write

APP = """
import asyncio

async def worker(lock):
    async with lock:
        await asyncio.sleep(0.02)

async def main():
    lock = asyncio.Lock()
    async with asyncio.TaskGroup() as group:
        for name in ("first", "second"):
            group.create_task(worker(lock), name=name)

asyncio.run(main())
"""


async def test_who_waits_for_whom_is_told_by_spans_too(tmp_path: Path) -> None:
    """With the tasks, the lock by its name, and each phase."""
    write(tmp_path, app=APP)
    async with collecting() as collector:
        done = await asyncio.to_thread(
            tenure, tmp_path, "run", "--otlp", collector.url, "app.py", TENURE_COLLECTOR="http://127.0.0.1:1"
        )
        assert done == Done(0, "", "")
        lifecycles = (await collector.answer("/api/lifecycles"))["items"]
        drawn = await collector.answer("/api/diagram?format=mermaid")
    assert sorted((item["task"]["name"], item["resource"]["kind"], item["phase"]) for item in lifecycles) == [
        ("first", "asyncio.locks.Lock", "closed"),
        ("main", "asyncio.taskgroups.TaskGroup", "closed"),
        ("second", "asyncio.locks.Lock", "closed"),
    ]
    assert [line for line in drawn.splitlines() if "participant" in line] == [
        "    participant p1 as main",
        "    participant p2 as TaskGroup",
        "    participant p3 as first",
        "    participant p4 as Lock",
        "    participant p5 as second",
    ]
    assert "waits for first (app.py#58;5)" in drawn

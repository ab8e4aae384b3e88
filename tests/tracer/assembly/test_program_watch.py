"""Both watches together, and what ends them."""

import asyncio
import sys
import time
from types import CodeType

import pytest

from tenure import testing
from tenure._assembly.program_watch import ProgramWatch
from tenure._core import faults


def is_own(code: CodeType) -> bool:
    return code.co_filename == __file__


async def _looked(watch: ProgramWatch) -> int:
    """How many tasks were seen to await something after two looks."""
    task = asyncio.create_task(asyncio.Event().wait())
    await asyncio.sleep(0)
    for _ in range(2):
        watch.look(0, time.perf_counter_ns(), at_tasks=True)
        time.sleep(0.11)  # noqa: ASYNC251  # the time between two looks
    watch.look(0, time.perf_counter_ns(), at_tasks=True)
    task.cancel()
    return len(watch.take()[0])


def test_it_looks_at_tasks() -> None:
    with testing.recorder():
        assert asyncio.run(_looked(ProgramWatch(is_own))) == 1


def test_without_the_interpreter_s_lock_it_does_not_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """The frames of other threads could change while they are read."""
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    with testing.recorder():
        assert asyncio.run(_looked(ProgramWatch(is_own))) == 0


def test_after_a_fault_it_looks_no_more(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged once, and nothing is raised."""

    def fails(_: CodeType) -> bool:
        raise RuntimeError("a fault")

    with testing.recorder():
        assert asyncio.run(_looked(ProgramWatch(fails))) == 0
        assert faults.dropped == {"fault": 1}
    assert [record.name for record in caplog.records] == ["tenure"]

"""``tenure serve --otlp`` and its exporting process end together, however one of them ends."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import aiohttp
import pytest
from tests.server.support.batches import Program
from tests.server.support.exporters import ended
from tests.server.support.otlp_backend import Backend
from tests.server.support.serve_process import Serving, children, is_there, post, serving
from tests.support.waiting import until

from tenure import wire
from tenure_server.limits import EXPORT_GRACE_S, EXPORT_LAST_S


async def exporting_for(collector: Serving) -> int:
    """The process that exports for it."""
    (pid,) = await until(lambda: children(collector.process.pid))
    return pid


async def acknowledged(url: str, exported: int) -> None:
    """Wait until the collector has noted that its only backend took so many, and that nothing waits."""
    async with aiohttp.ClientSession() as session:

        async def has_noted() -> bool:
            async with session.get(f"{url}/api/exporters") as answer:
                (exporter,) = (await answer.json())["items"]
            return (exporter["exported"], exporter["waiting"]) == (exported, 0)

        await until(has_noted)


def to(path: Path, *urls: str) -> list[str]:
    """Arguments of a collector that exports to these."""
    targets = [argument for url in urls for argument in ("--otlp", url)]
    return ["--port", "0", "--store", f"sqlite:///{path}", *targets]


async def test_when_the_collector_is_killed_the_process_ends_and_everything_comes_once_after_a_restart(
    tmp_path: Path, backend: Backend
) -> None:
    """It has a request in hand, which nobody could note any more."""
    arguments = to(tmp_path / "store.sqlite", backend.url)
    program = Program()
    async with serving(*arguments) as collector:
        exporting = await exporting_for(collector)
        ended(program, 5)
        assert await post(collector.url, program.batch()) == 200
        await acknowledged(collector.url, 5)
        backend.answers = ["never"]
        ended(program, 7)
        assert await post(collector.url, program.batch()) == 200
        await until(lambda: len(backend.requests) == 2)
        collector.process.kill()
        await until(lambda: not is_there(exporting), 2)
    async with serving(*arguments) as collector:
        await backend.until(12)

    own = bytes.fromhex(program.hex)
    assert backend.taken == {wire.span_id(own, number): 1 for number in range(1, 13)}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("whom", ["the group", "both", "the collector"])
async def test_a_signal_ends_both_when_what_there_is_has_been_sent(
    tmp_path: Path, backend: Backend, number: signal.Signals, whom: str
) -> None:
    """As a terminal sends it, as systemd does, and as docker does: without a word, exit code 0."""
    program = Program()
    async with serving(*to(tmp_path / "store.sqlite", backend.url)) as collector:
        pid = collector.process.pid
        exporting = await exporting_for(collector)
        ended(program, 50)
        assert await post(collector.url, program.batch()) == 200
        if whom == "the group":
            os.killpg(pid, number)
        else:
            for one in (exporting, pid) if whom == "both" else (pid,):
                os.kill(one, number)
        assert await collector.ended() == (0, "")
        assert not is_there(exporting)

    assert (backend.taken.total(), set(backend.taken.values())) == (50, {1})


async def test_a_signal_ends_both_in_bounded_time_where_the_process_hangs_and_the_backend_is_silent(
    tmp_path: Path, backend: Backend
) -> None:
    """It is killed, and that is said; nothing stays behind."""
    backend.answers = ["never"] * 10
    program = Program()
    async with serving(*to(tmp_path / "store.sqlite", backend.url)) as collector:
        exporting = await exporting_for(collector)
        ended(program, 5)
        assert await post(collector.url, program.batch()) == 200
        await until(lambda: bool(backend.requests))
        os.kill(exporting, signal.SIGSTOP)
        collector.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        status, errors = await collector.ended()
        took = time.monotonic() - began
        assert not is_there(exporting)

    line = (
        "tenure: the exporting process did not stop and is killed; the remaining spans are sent after the next start\n"
    )
    assert (status, errors) == (0, line)
    assert took < EXPORT_LAST_S + EXPORT_GRACE_S + 4


async def test_the_process_imports_from_where_the_collector_does_and_not_from_where_it_stands(
    tmp_path: Path, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory may have modules of any name."""
    for name in ("tenure_server", "asyncio", "aiohttp"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('not this one')")
    monkeypatch.chdir(tmp_path)
    async with serving(*to(Path("store.sqlite"), backend.url), PYTHONSAFEPATH="1") as collector:
        program = Program()
        ended(program, 2)
        assert await post(collector.url, program.batch()) == 200
        await backend.until(2)
        collector.process.send_signal(signal.SIGTERM)
        assert await collector.ended() == (0, "")

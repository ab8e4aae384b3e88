"""``tenure serve`` and ``tenure export`` as they are typed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
from tests.server.batches import Program
from tests.server.collector import Collector, collecting

from tenure import wire
from tenure_server.commands import export, serve

TEXTBOOK = """\
sequenceDiagram
    participant p1 as main
    participant p2@{ "type": "control" } as Lock stock
    p1->>+p2: __aenter__()
    p2-->>p1: acquired after 1.00 s
    p1->>p1: body 25 µs
    p1->>p2: __aexit__()
    p2-->>-p1: released after 1.00 s
"""


class Serving:
    """A collector in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, line: str) -> None:
        self.process = process
        self.line = line
        found = re.search(r"http://\S+", line)
        self.url = found[0] if found else ""

    async def ended(self) -> tuple[int, str]:
        """Its exit code and what it wrote to stderr."""
        assert self.process.stderr
        async with asyncio.timeout(10):
            errors = (await self.process.stderr.read()).decode()
            return await self.process.wait(), errors


@asynccontextmanager
async def serving(*arguments: str, **environment: str) -> AsyncIterator[Serving]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tenure", "serve", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={name: value for name, value in os.environ.items() if name != "TENURE_TOKEN"} | environment,
    )
    try:
        assert process.stdout
        async with asyncio.timeout(20):
            line = (await process.stdout.readline()).decode()
        yield Serving(process, line)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def textbook() -> Program:
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1_000, hold=0.025, release=1_000)
    return program


async def post(url: str, batch: wire.Batch) -> int:
    headers = {"Content-Type": wire.CONTENT_TYPE}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/v1/lifecycles", data=wire.encode(batch), headers=headers) as answer,
    ):
        return answer.status


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_serve_says_where_it_is_stores_and_stops_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    """One line when it is ready, the real port in it; a signal ends it with 0, watchers get a goodbye, data stays."""
    path = tmp_path / "store.sqlite"
    async with serving("--port", "0", "--store", f"sqlite:///{path}") as first:
        assert re.fullmatch(
            rf"Tenure: dashboard and collector at http://127\.0\.0\.1:\d+ \(store {re.escape(str(path))}\)\n",
            first.line,
        )
        assert await post(first.url, textbook().batch()) == 200
        async with aiohttp.ClientSession() as session, session.ws_connect(f"{first.url}/api/live") as watcher:
            await watcher.receive()
            first.process.send_signal(number)
            while not watcher.closed:
                await watcher.receive()
            assert watcher.close_code == 1001
        assert await first.ended() == (0, "")

    async with (
        serving("--port", "0", "--store", f"sqlite:///{path}") as second,
        aiohttp.ClientSession() as session,
        session.get(f"{second.url}/api/diagram?format=mermaid") as answer,
    ):
        assert await answer.text() == TEXTBOOK


async def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    """200 means committed: a collector killed right after has it when it comes back, and knows the batch again."""
    store = f"sqlite:///{tmp_path / 'store.sqlite'}"
    program = Program()
    batches = []
    for n in range(20):
        program.use("main", "Lock stock", acquire=n, wait=1, hold=1, release=1)
        batches.append(program.batch())
    async with serving("--port", "0", "--store", store) as first:
        assert [await post(first.url, batch) for batch in batches] == [200] * 20
        first.process.kill()
        await first.process.wait()
    async with serving("--port", "0", "--store", store) as second, aiohttp.ClientSession() as session:
        assert [await post(second.url, batch) for batch in batches] == [200] * 20
        async with session.get(f"{second.url}/api/lifecycles") as answer:
            found = [item["id"] for item in (await answer.json())["items"]]
    assert found == [program.id(n) for n in range(20, 0, -1)]


async def test_serve_takes_the_token_from_the_environment(tmp_path: Path) -> None:
    """It is not to be seen in the list of processes there, nor in what serve prints."""
    store = f"sqlite:///{tmp_path / 'store.sqlite'}"
    async with serving("--host", "0.0.0.0", "--port", "0", "--store", store, TENURE_TOKEN="secret-token") as running:
        assert "secret-token" not in running.line
        url = running.url.replace("0.0.0.0", "127.0.0.1")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{url}/api/processes") as answer:
                assert answer.status == 401
            async with session.get(f"{url}/api/processes", headers={"Authorization": "Bearer secret-token"}) as answer:
                assert answer.status == 200


def refusals(tmp_path: Path) -> dict[str, tuple[list[str], str]]:
    """What each is started with, and what its line says."""
    text = tmp_path / "notes.txt"
    text.write_text("remember the milk\n" * 100)
    return {
        "no SQLite": (["--store", f"sqlite:///{text}"], f"{text} is no SQLite database (give another --store)"),
        "no directory": (["--store", f"sqlite:///{tmp_path}/no/x.db"], "create it, or give another --store"),
        "no URL": (["--store", "traces.sqlite"], "'traces.sqlite' names no store (write sqlite:///traces.sqlite"),
        "not writable": (["--store", "sqlite:////proc/x.sqlite"], "/proc/x.sqlite cannot be opened for writing"),
        "open to all": (["--host", "0.0.0.0"], "set one with --token TOKEN or TENURE_TOKEN, or leave --host away"),
        "a bad age": (["--retention", "soon"], "'soon' is no duration"),
        "a bad size": (["--max-size", "huge"], "'huge' is no size"),
        "no port": (["--port", "70000"], "--port 70000 is no port"),
        "a foreign address": (["--host", "192.0.2.1", "--token", "x"], "cannot listen on 192.0.2.1"),
    }  # fmt: skip


@pytest.mark.parametrize("case", refusals(Path("/tmp")))  # for the names alone
def test_serve_that_cannot_start_says_so_in_one_line(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 2, what and the remedy, no traceback."""
    monkeypatch.delenv("TENURE_TOKEN", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    arguments, expected = refusals(tmp_path)[case]
    code = serve.main(arguments)
    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert re.fullmatch(r"tenure: .+ \(.+\)\n", captured.err)
    assert expected in captured.err


async def test_serve_on_a_port_in_use_says_so_in_one_line(tmp_path: Path) -> None:
    """And leaves the store free for whoever is first."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        store = f"sqlite:///{tmp_path / 'store.sqlite'}"
        async with serving("--port", str(port), "--store", store) as running:
            assert running.line == ""
            assert await running.ended() == (
                2, f"tenure: port {port} on 127.0.0.1 is in use (give another --port, or stop what listens there)\n",
            )  # fmt: skip
        async with serving("--port", "0", "--store", store) as running:
            assert running.url


def recording(path: Path, *batches: wire.Batch, tail: str = "\n]}") -> Path:
    """A file as the tracer writes it."""
    written = ",\n".join(msgspec.json.encode(batch).decode() for batch in batches)
    path.write_text(f'{{"tenure": 1, "batches": [\n{written}{tail}')
    return path


def test_a_recording_is_exported_as_mermaid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To standard output, or to a file; a trace alone where it is asked for."""
    program = textbook()
    source = recording(tmp_path / "run.json", program.batch(final=True))

    assert export.main([str(source), "--to", "mermaid"]) == 0
    assert capsys.readouterr() == (TEXTBOOK, "")
    output = tmp_path / "run.mmd"
    assert export.main([str(source), "--to", "mermaid", "--trace", program.trace_id(1), "-o", str(output)]) == 0
    assert output.read_text(encoding="utf-8") == TEXTBOOK


async def test_a_recording_and_a_collector_give_the_same_json(
    tmp_path: Path, collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lifecycles, oldest first, as the API has them, and the steps of their diagram."""
    program = textbook()
    program.use("other", "Pool orders", acquire=5, wait=1, hold=1, release=1)
    batch = program.batch(final=True)
    source = recording(tmp_path / "run.json", batch)
    await collector.post(batch)

    assert await asyncio.to_thread(export.main, [str(source), "--to", "json"]) == 0
    from_recording = json.loads(capsys.readouterr().out)
    assert await asyncio.to_thread(export.main, [collector.url, "--to", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == from_recording
    assert from_recording == {
        "lifecycles": (await collector.answer("/api/lifecycles"))["items"][::-1],
        **(await collector.answer("/api/diagram")),
    }
    assert await asyncio.to_thread(export.main, [collector.url, "--to", "mermaid", "--trace", program.trace_id(1)]) == 0
    assert capsys.readouterr().out == TEXTBOOK


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_recording_cut_off_in_its_last_batch_is_used_as_far_as_it_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cut: int
) -> None:
    """The program was killed while it wrote: that is said, and what is whole is drawn."""
    program = textbook()
    first = program.batch(final=True)
    program.use("main", "Lock stock", acquire=9_000, wait=1, hold=1, release=1)
    source = recording(tmp_path / "run.json", first, program.batch(), tail="")
    source.write_text(source.read_text()[:-cut])

    assert export.main([str(source), "--to", "mermaid"]) == 0
    captured = capsys.readouterr()
    assert captured.out == TEXTBOOK
    assert captured.err.startswith(f"tenure: {source} is not whole, batch 2 is cut off: ")
    assert captured.err.endswith("; what is whole is used\n")


def test_a_recording_whose_end_alone_is_missing_loses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All batches are there."""
    source = recording(tmp_path / "run.json", textbook().batch(final=True), tail="")
    assert export.main([str(source), "--to", "mermaid"]) == 0
    assert capsys.readouterr() == (
        TEXTBOOK, f"tenure: {source} is not whole, it ends before its last batch; what is whole is used\n",
    )  # fmt: skip


def test_what_a_program_held_when_it_was_killed_is_abandoned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It wrote no goodbye and nothing since: it does not hold any more."""
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1)
    source = recording(tmp_path / "run.json", program.batch())
    os.utime(source, (1_700_000_100, 1_700_000_100))
    assert export.main([str(source), "--to", "mermaid"]) == 0
    assert "abandoned" in capsys.readouterr().out
    os.utime(source)  # written this moment: it may well go on
    assert export.main([str(source), "--to", "mermaid"]) == 0
    assert "still held" in capsys.readouterr().out


async def test_export_that_cannot_be_made_says_so_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], unused_tcp_port: int
) -> None:
    """Exit code 2, what and the remedy, no traceback."""
    good = recording(tmp_path / "run.json", textbook().batch())
    (tmp_path / "notes.txt").write_text("remember the milk")
    damaged = tmp_path / "damaged.json"
    damaged.write_text('{"tenure": 1, "batches": [{"version": 1}]}')
    later = tmp_path / "later.json"
    later.write_text('{"tenure": 2, "batches": []}')
    trace = Program().trace_id(1)
    cases = {
        (str(tmp_path / "none.json"),): "none.json: No such file or directory (give a recording or a collector's URL)",
        (str(tmp_path),): "Is a directory",
        (str(tmp_path / "notes.txt"),): "notes.txt is no recording (make one with `tenure run -o FILE.json`)",
        (str(damaged),): "batch 1 of",
        (str(later),): "is a recording of version 2, this program reads version 1 (update it)",
        (str(good), "--trace", "nobody"): f"no trace 'nobody' is in {good} (it has {trace} main: Lock stock)",
        (str(good), "-o", str(tmp_path / "no" / "x.mmd")): "No such file or directory (give -o a file",
        (f"http://127.0.0.1:{unused_tcp_port}",): "does not answer",
        ("http://",): "does not answer",
    }  # fmt: skip
    for arguments, expected in cases.items():
        assert await asyncio.to_thread(export.main, [*arguments, "--to", "mermaid"]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert re.fullmatch(r"tenure: .+ \(.+\)\n", captured.err), captured.err
        assert expected in captured.err


async def test_export_from_a_collector_passes_on_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Its problem's own sentence, and the status."""
    async with collecting() as collector:
        assert await asyncio.to_thread(export.main, [collector.url, "--to", "mermaid", "--trace", "nobody"]) == 2
        assert capsys.readouterr().err == (
            f"tenure: collector at {collector.url} answered 404: no trace 'nobody' is stored\n"
        )

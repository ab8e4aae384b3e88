"""``tenure serve`` on the command line."""

from __future__ import annotations

import re
import signal
import socket
from pathlib import Path

import aiohttp
import pytest
from tests.server.support.batches import Program
from tests.server.support.serve_process import post, serving
from tests.server.support.textbook import TEXTBOOK, textbook

from tenure_server.cli import serve


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
        "no SQLite": (["--store", f"sqlite:///{text}"], f"{text} is not a SQLite database (give another --store)"),
        "no directory": (["--store", f"sqlite:///{tmp_path}/no/x.db"], "create it, or give another --store"),
        "no URL": (["--store", "traces.sqlite"], "invalid store URL 'traces.sqlite' (write sqlite:///traces.sqlite"),
        "not writable": (["--store", "sqlite:////proc/x.sqlite"], "/proc/x.sqlite cannot be opened for writing"),
        "open to all": (["--host", "0.0.0.0"], "set --token TOKEN or TENURE_TOKEN, or omit --host"),
        "a bad age": (["--retention", "soon"], "invalid duration 'soon'"),
        "a bad size": (["--max-size", "huge"], "invalid size 'huge'"),
        "no port": (["--port", "70000"], "invalid --port 70000"),
        "an empty token": (["--token", ""], "is empty (give a token, or omit the option)"),
        "an empty ingest token": (["--token", "x", "--ingest-token", ""], "--ingest-token is empty"),
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
                2, f"tenure: port {port} on 127.0.0.1 is in use (give another --port, or stop the other program)\n",
            )  # fmt: skip
        async with serving("--port", "0", "--store", store) as running:
            assert running.url

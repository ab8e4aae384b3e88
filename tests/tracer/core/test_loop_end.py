"""A program that a signal ends after its loop: what it released is recorded as released, what it holds as held."""

import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.waiting import until_blocking
from tests.tracer.support import programs
from tests.tracer.support.fake_collectors import Server, free_port, listening, serving

from tenure import testing

SENDS_SIGTERM = "os.kill(os.getpid(), signal.SIGTERM)"
WAYS = {
    "run": "asyncio.run(main())",
    "by hand": "loop = asyncio.new_event_loop(); loop.run_until_complete(main()); loop.close()",
    "runner": "with asyncio.Runner() as runner: runner.run(main())",
    "runner by hand": "runner = asyncio.Runner(); runner.run(main()); runner.close()",
    "uvloop": "import uvloop; uvloop.run(main())",
    "anyio": "import anyio; anyio.run(main)",
    "anyio with uvloop": "import anyio; anyio.run(main, backend_options={'use_uvloop': True})",
}
PROGRAM = """
import asyncio, os, signal, sys
class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): pass
async def main():
    async with Manager():
        await asyncio.sleep(0)
"""


def ends(server: Server) -> dict[str, bool]:
    """Of each resource's kind that came: whether all of its lifecycles were released, by what came last."""
    released: dict[tuple[str, int], bool] = {}
    for batch in server.received:
        for row in testing.lifecycles_of(batch):
            released[row.resource.partition(" ")[0], row.id] = row.release is not None
    return {kind: all(done for (of, _), done in released.items() if of == kind) for kind, _ in released}


def run(directory: Path, server: Server, **environment: str) -> programs.Done:
    return programs.tenure(directory, "run", "--collector", server.url, "app.py", **environment)


@pytest.mark.parametrize("way", WAYS)
def test_what_a_loop_released_is_shipped_when_it_has_closed(way: str, tmp_path: Path) -> None:
    """A signal that nobody handles comes right after, and everything is told as released."""
    programs.write(tmp_path, app=f"{PROGRAM}\n{WAYS[way]}\n{SENDS_SIGTERM}")
    with serving() as server:
        assert run(tmp_path, server) == (-signal.SIGTERM, "", "")
        told = ends(server)
    assert told["__main__.Manager"]
    assert all(told.values())
    assert not any(batch.final for batch in server.received)


def test_what_is_held_when_the_signal_comes_is_told_as_held(tmp_path: Path) -> None:
    """It is abandoned in truth; what another task released before is released."""
    programs.write(
        tmp_path,
        app=PROGRAM
        + """
class Kept(Manager): pass
async def held():
    async with Kept():
        await main()
        await asyncio.sleep(60)
asyncio.run(held())
""",
    )
    expected = {"__main__.Manager": True, "__main__.Kept": False}
    with serving() as server:
        command = [sys.executable, "-m", "tenure", "run", "--collector", server.url, "app.py"]
        with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE) as program:
            until_blocking(lambda: ends(server) == expected, 30)
            program.send_signal(signal.SIGTERM)
            _, errors = program.communicate(timeout=30)
        assert (program.returncode, errors) == (-signal.SIGTERM, b"")
        assert ends(server) == expected


def test_a_program_with_many_loops_is_recorded_to_its_end(tmp_path: Path) -> None:
    """Closing one ends nothing: every loop's lifecycles come, and the goodbye comes once, last."""
    programs.write(tmp_path, app=f"{PROGRAM}\nfor _ in range(50): asyncio.run(main())\nsys.exit(3)")
    with serving() as server:
        assert run(tmp_path, server) == (3, "", "")
        rows = [row for batch in server.received for row in testing.lifecycles_of(batch)]
        finals = [batch.final for batch in server.received]
    assert len({row.id for row in rows if row.release is not None}) == 50
    assert finals.count(True) == 1
    assert finals[-1]


def test_a_collector_that_never_answers_costs_two_seconds_whatever_the_number_of_loops(tmp_path: Path) -> None:
    """The patience is one for the whole program."""
    programs.write(
        tmp_path,
        app=f"{PROGRAM}\nimport time\nbegan = time.monotonic()\nfor _ in range(20): asyncio.run(main())\n"
        "print(time.monotonic() - began)",
    )
    with listening(None) as url:
        began = time.monotonic()
        done = programs.tenure(tmp_path, "run", "--collector", url, "app.py")
        took = time.monotonic() - began
    assert done.status == 0
    assert float(done.stdout) < 6
    assert took < 15
    assert done.stderr == (
        f"tenure: 20 lifecycles were lost: the collector at {url} did not accept them before the program exited"
        " (is it overloaded?)\n"
    )


def test_a_loop_that_an_exception_closes_keeps_nobody_waiting(tmp_path: Path) -> None:
    """The exception goes on at once; a signal that comes later finds the program where it is as it is."""
    programs.write(
        tmp_path,
        app=PROGRAM
        + """
import time
async def fail():
    await main()
    raise KeyError("gone")
try:
    asyncio.run(fail())
except KeyError:
    from tenure import session
    print(session._process.session.shipper._wait_budget._seconds)
""",
    )
    with listening(None) as url:
        done = programs.tenure(tmp_path, "run", "--collector", url, "app.py")
    assert done.stdout == "2.0\n"


def test_a_handler_that_raises_while_a_loops_end_is_shipped_shows_no_frame_of_ours(tmp_path: Path) -> None:
    """Its exception comes out of the program's own call, with the program's and the library's frames alone."""
    programs.write(
        tmp_path,
        app=PROGRAM
        + """
import traceback
def handle(number, frame): raise TimeoutError("it takes too long")
signal.signal(signal.SIGALRM, handle)
async def begin():
    await main()
    signal.setitimer(signal.ITIMER_REAL, 0.2)
try:
    asyncio.run(begin())
except TimeoutError as error:
    print([frame.name for frame in traceback.extract_tb(error.__traceback__)])
""",
    )
    with listening(None) as url:
        done = programs.tenure(tmp_path, "run", "--collector", url, "app.py")
    assert done.stdout == "['<module>', 'run', '__exit__', 'close', 'handle']\n"


SERVED = """
import contextlib
class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): pass
@contextlib.asynccontextmanager
async def lifespan(app):
    async with Manager():
        yield
async def answer(request):
    async with Manager():
        return {text}
"""
STARLETTE = (
    SERVED.format(text="PlainTextResponse('hello')")
    + """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
app = Starlette(routes=[Route("/", answer)], lifespan=lifespan)
"""
)
AIOHTTP = (
    SERVED.format(text="web.Response(text='hello')")
    + """
import sys
from aiohttp import web
app = web.Application()
async def context(app):
    async with Manager():
        yield
app.cleanup_ctx.append(context)
app.router.add_get("/", answer)
if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
"""
)
SERVERS = {
    "uvicorn": (STARLETTE, ["-m", "uvicorn", "served:app", "--log-level", "error", "--port"]),
    "uvicorn with uvloop": (
        STARLETTE,
        ["-m", "uvicorn", "served:app", "--loop", "uvloop", "--log-level", "error", "--port"],
    ),
    "hypercorn": (STARLETTE, ["-m", "hypercorn", "served:app", "--workers", "0", "--log-level", "error", "--bind"]),
    "aiohttp": (AIOHTTP, ["served.py"]),
}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_is_stopped_leaves_nothing_open(name: str, number: signal.Signals, tmp_path: Path) -> None:
    """Requests, the lifespan and what it held are released; the exit status is the one that it has unrecorded."""
    source, command = SERVERS[name]
    programs.write(tmp_path, served=source)
    plain = stop(tmp_path, [sys.executable, *command], number)
    with serving() as server:
        recorded = stop(tmp_path, [sys.executable, "-m", "tenure", "run", "--collector", server.url, *command], number)
        told = ends(server)
    assert recorded == plain
    assert {kind.partition(".")[2] for kind in told} >= {"Manager"}
    assert len(told) > 2
    assert [kind for kind, released in told.items() if not released] == []


def stop(directory: Path, command: list[str], number: signal.Signals) -> int:
    """Start a server, ask it once, send it the signal: how it ended."""
    port = free_port()
    address = f"127.0.0.1:{port}" if "hypercorn" in command else str(port)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("TENURE_C", "OTEL_"))}
    process = subprocess.Popen(
        [*command, address],
        cwd=directory,
        env=environment | {"PYTHONPATH": str(directory)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509  # as in a shell
    )
    try:
        until_blocking(lambda: answers(port) or process.poll() is not None, 30)
        process.send_signal(number)
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert b"tenure" not in output, output
    return process.returncode


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Connection": "close"})
        return connection.getresponse().read() == b"hello"
    except OSError:
        return False
    finally:
        connection.close()

"""The demo: the shop's own counts compared with what the collector stored."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from tests.support.waiting import until_blocking

from tenure.scrubbing import scrub_expression

EXAMPLES = Path(__file__).parents[1] / "examples"
SECONDS = 60 if os.environ.get("TENURE_LONG") == "1" else 6
LIMIT = 20.0  # seconds for anything to start or to stop


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def get(port: int, path: str, **query: object) -> bytes:
    """The body of an answer with status 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", f"{path}?{urlencode(query)}" if query else path)
        response = connection.getresponse()
        body = response.read()
        assert response.status == 200, body
        return body
    finally:
        connection.close()


def wait_for(port: int, path: str) -> None:

    def answers() -> bool:
        with contextlib.suppress(OSError, AssertionError):
            get(port, path)
            return True
        return False

    until_blocking(answers, LIMIT)


def items(port: int, path: str) -> Iterator[dict]:
    """Every item of a list, page by page."""
    cursor = None
    while True:
        answer = json.loads(get(port, path, limit=500, **({"cursor": cursor} if cursor else {})))
        yield from answer["items"]
        cursor = answer["cursor"]
        if cursor is None:
            return


@pytest.fixture
def collector(tmp_path) -> Iterator[int]:
    """The port of a collector with an empty store."""
    port = free_port()
    command = [sys.executable, "-m", "tenure", "serve", "--port", str(port), "--store", f"sqlite:///{tmp_path}/store"]
    with subprocess.Popen(command, cwd=tmp_path) as program:
        try:
            wait_for(port, "/readyz")
            yield port
        finally:
            program.send_signal(signal.SIGTERM)
            program.wait(LIMIT)


def shop(*options: str, port: int) -> subprocess.CompletedProcess[str]:
    collector = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "tenure", "run", "--collector", collector, "-m", "shop", *options]
    return subprocess.run(
        command, cwd=EXAMPLES, capture_output=True, text=True, timeout=SECONDS + 2 * LIMIT, check=False
    )


def counted(lifecycle: dict) -> str | None:
    """The name under which the shop counted this lifecycle; None for one that a library entered, or its client took."""
    if lifecycle["resource"]["kind"] == "aiohttp.connector.TCPConnector":
        return None  # the connection of a request, which is counted itself
    if lifecycle["resource"]["kind"] == "aiohttp.web.Request":
        return f"request: {lifecycle['resource']['name']}"
    if Path(lifecycle["site"]["file"]).parent != EXAMPLES / "shop":
        return None
    return f"{lifecycle['site']['function']}: {lifecycle['site']['expression']}"


def entered_by_its_own_count(path: Path) -> Counter[str]:
    """What the shop counted, by names as they are shown: without the literals of expressions."""
    entered: Counter[str] = Counter()
    for name, times in json.loads(path.read_text()).items():
        function, _, expression = name.partition(": ")
        entered[name if function == "request" else f"{function}: {scrub_expression(expression)}"] += times
    return entered


@pytest.mark.timeout(SECONDS + 4 * LIMIT)
def test_every_lifecycle_that_the_shops_code_entered_is_in_the_store(collector, tmp_path):
    """None twice, none lost, each of them ended; counted inside the program by the program itself."""
    count = tmp_path / "count.json"
    ran = shop("--seconds", str(SECONDS), "--rate", "7", "--count", str(count), port=collector)
    assert (ran.returncode, ran.stderr) == (0, "")

    lifecycles = list(items(collector, "/api/lifecycles"))
    seen = Counter(lifecycle["id"] for lifecycle in lifecycles)
    assert [key for key, times in seen.items() if times > 1] == []
    acquired = [lifecycle for lifecycle in lifecycles if lifecycle["acquire_outcome"] == "ok"]
    stored = Counter(name for lifecycle in acquired if (name := counted(lifecycle)) is not None)
    assert stored == entered_by_its_own_count(count)
    assert {lifecycle["phase"] for lifecycle in lifecycles} == {"closed"}
    assert [process["dropped"] for process in items(collector, "/api/processes")] == [{}]


def test_one_order_is_one_trace_with_all_that_it_held(collector):
    """From the request over the tasks of the order down to the lock and the transaction."""
    ran = shop("--seconds", "2", "--rate", "5", port=collector)
    assert ran.returncode == 0
    lifecycles = {lifecycle["id"]: lifecycle for lifecycle in items(collector, "/api/lifecycles")}

    def path(lifecycle: dict) -> list[str]:
        above = path(lifecycles[lifecycle["parent"]]) if lifecycle["parent"] else []
        resource = lifecycle["resource"]
        return [*above, f"{resource['kind']} {resource['name']}".rstrip()]

    reserved = [lifecycle for lifecycle in lifecycles.values() if lifecycle["site"]["function"] == "Stock.reserve"]
    transactions = [lifecycle for lifecycle in reserved if lifecycle["resource"]["kind"].endswith("transaction")]
    assert {tuple(path(lifecycle)) for lifecycle in transactions} == {
        (
            "aiohttp.web.Request POST /orders",
            "asyncio.timeout 2 s",
            "asyncio.taskgroups.TaskGroup",
            "shop.pool.Pool pool",
            "asyncio.locks.Lock Stock.stock_lock",
            "shop.database.transaction",
        )
    }
    assert len({lifecycle["trace"] for lifecycle in transactions}) > 1
    assert {lifecycle["task"]["name"].split()[0] for lifecycle in transactions} == {"reserve"}


@pytest.fixture
def demo(tmp_path) -> Iterator[subprocess.Popen[str]]:
    """The demo on a port of its own (``args[-1]``)."""
    command = [sys.executable, EXAMPLES / "demo.py", "--store", tmp_path / "demo.sqlite", "--port", str(free_port())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as program:
        yield program
        if program.poll() is None:
            program.send_signal(signal.SIGINT)
        program.wait(2 * LIMIT)


def children(program: subprocess.Popen[str]) -> list[int]:
    """The process ids of the programs that the demo started, in order."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it ended in between
            parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
    return sorted(pid for pid, parent in parents.items() if parent == program.pid)


def test_the_demo_shows_a_page_and_lifecycles_and_ends_at_ctrl_c(demo):
    """What `make demo` promises: a URL that answers, something to see, and nothing left behind."""
    port = int(demo.args[-1])
    wait_for(port, "/readyz")
    until_blocking(lambda: list(items(port, "/api/traces")), LIMIT)
    assert b"<html" in get(port, "/")
    started = children(demo)
    demo.send_signal(signal.SIGINT)
    output, _ = demo.communicate(timeout=2 * LIMIT)
    assert demo.returncode == 0, output
    assert f"http://127.0.0.1:{port}\n" in output
    assert "the shop is closed" in output
    assert len(started) == 2
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []


def test_when_a_part_of_the_demo_dies_it_says_which_and_ends_the_other(demo):
    """The exit code is not zero, and nothing is left behind."""
    wait_for(int(demo.args[-1]), "/readyz")
    until_blocking(lambda: len(children(demo)) == 2, LIMIT)
    started = children(demo)
    os.kill(started[1], signal.SIGKILL)
    output, _ = demo.communicate(timeout=2 * LIMIT)
    assert demo.returncode == 1, output
    assert "demo: the shop ended by itself with exit code -9" in output
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []


def test_a_port_in_use_is_said_with_the_way_out():
    """One line, what and remedy, exit code 2."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, EXAMPLES / "demo.py", "--port", str(port)]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
    assert ran.returncode == 2
    assert ran.stderr == (
        f"demo: port {port} on 127.0.0.1 cannot be used: Address already in use "
        f"(choose another: {sys.executable} {EXAMPLES / 'demo.py'} --port {port + 1})\n"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_shop_closes_cleanly_on_a_signal(number):
    """Without any tracer as with one: the exit code is zero and the last line says so."""
    command = [sys.executable, "-m", "shop"]
    with subprocess.Popen(command, cwd=EXAMPLES, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline().startswith("the shop is open: http://127.0.0.1:")
        time.sleep(0.3)  # the signal comes while orders are under way
        program.send_signal(number)
        output, errors = program.communicate(timeout=LIMIT)
    assert (program.returncode, output.splitlines()[-1], errors) == (0, "the shop is closed", "")

"""Clients that send half a header, half a body, or read nothing, beside one that only wants its answers."""

from __future__ import annotations

import asyncio
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.qualification.reliability.experiment import Experiment, Measured

from tenure import wire

FILES = 256  # that the collector may have open, as on a laptop: fewer than there are bad clients
HALF_HEADERS, HALF_BODIES, SLOW_READERS = 300, 60, 20
WORST_S = 10.0  # for an answer to a good client, on a machine that does much else
LIFECYCLES = 2_000

HOST = "Host: 127.0.0.1\r\n"
HEADER = f"GET /api/processes HTTP/1.1\r\n{HOST}X-Half: ".encode()
POST = f"POST /v1/lifecycles HTTP/1.1\r\n{HOST}Content-Type: {wire.CONTENT_TYPE}\r\nContent-Length: "
BODY = f"{POST}5000\r\n\r\nhalf".encode()
LARGE = f"GET /api/lifecycles?limit=10000 HTTP/1.1\r\n{HOST}\r\n".encode() * 8

SERVE = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({FILES}, {FILES}))
from tenure_server.http.listening import connections, receiving
if "short" in sys.argv[1]:
    connections.HEADER_LIMIT_S, connections.READER_LIMIT_S, receiving.BODY_LIMIT_S = 2, 2, 3
if "mutated" in sys.argv[1]:
    receiving.BODY_LIMIT_S = None
    connections.Connection.judge = lambda *_: None
    connections.Connections.make_room = lambda _: False
    connections.Connections.admit = lambda *_: True
from tenure_server.cli.serve import main
sys.exit(main(sys.argv[2:]))
"""


class Serving(NamedTuple):
    """A collector in a process of its own."""

    port: int
    log: Path


class Waits(NamedTuple):
    """What the good client saw: its longest wait by address, how often it asked, and what went wrong."""

    worst_s: dict[str, float]
    asked: int
    wrong: list[str]


def run(short: bool, seed: int, mutated: bool) -> Measured:
    """Attack for 7 s with limits of 2 and 3 s, or for 75 s with the limits that there are."""
    mode = ("short " if short else "") + ("mutated" if mutated else "")
    with tempfile.TemporaryDirectory(prefix="slow-clients-") as directory, _serving(Path(directory), mode) as serving:
        ends, waits = asyncio.run(_attack(serving.port, *((7.0, 4.0) if short else (75.0, 20.0)), random.Random(seed)))
        log = serving.log.read_text()
    wrong = list(waits.wrong)
    wrong += [
        f"{path} was answered after {seconds:.1f} s" for path, seconds in waits.worst_s.items() if seconds > WORST_S
    ]
    wrong += [f"no half {kind} was answered with 408" for kind in ("header", "body") if not ends[f"{kind} 408"]]
    wrong += [] if ends["reader let go"] else ["no slow reader was let go"]
    wrong += [f"the log has {log.count('Traceback')} tracebacks"] if "Traceback" in log else []
    wrong += [f"the log has {len(log.splitlines())} lines"] if len(log.splitlines()) > 20 else []
    numbers: dict[str, int | float | str] = {
        "answers to the good client": waits.asked,
        **{f"worst wait of {path}, ms": round(seconds * 1_000) for path, seconds in waits.worst_s.items()},
        "half headers, 408": ends["header 408"],
        "half bodies, 408": ends["body 408"],
        "slow readers let go": ends["reader let go"],
        "gave way to others": ends["header closed"] + ends["body closed"],
        "connections refused": sum(count for end, count in ends.items() if end.endswith((" refused", " 503"))),
        "lines of the log": len(log.splitlines()),
    }
    return Measured(sum(ends.values()) + waits.asked, wrong, numbers)


@contextmanager
def _serving(directory: Path, mode: str) -> Iterator[Serving]:
    log = directory / "log"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    options = ["--port", "0", "--store", f"sqlite:///{directory}/store.sqlite"]
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, mode, *options], stdout=subprocess.PIPE, stderr=errors, env=environment
        )
    try:
        assert process.stdout is not None
        address = re.search(rb"http://127\.0\.0\.1:(\d+)", process.stdout.readline())
        assert address, f"the collector did not start: {log.read_text()}"
        yield Serving(int(address[1]), log)
    finally:
        process.kill()
        process.communicate()


async def _attack(port: int, seconds: float, pause_s: float, chance: random.Random) -> tuple[Counter[str], Waits]:
    """What became of each bad connection, and what the good client saw meanwhile.

    All bad clients come at once, more than there is room for. Later they come again after about ``pause_s``, so that
    there is room, and it is the time limits that end them.
    """
    status = (await _ask(port, _post(wire.encode(_batch()))))[9:12]
    assert status == b"200", f"the batch was answered by {status!r}"
    ends: Counter[str] = Counter()
    kinds = ["header"] * HALF_HEADERS + ["body"] * HALF_BODIES + ["reader"] * SLOW_READERS
    chance.shuffle(kinds)
    bad = [asyncio.create_task(_come_again_and_again(port, kind, ends, pause_s, chance)) for kind in kinds]
    try:
        waits = await _good_client(port, seconds)
    finally:
        for task in bad:
            task.cancel()
        await asyncio.gather(*bad, return_exceptions=True)
    return ends, waits


async def _good_client(port: int, seconds: float) -> Waits:
    paths = ("/healthz", "/api/processes")
    waits = Waits(dict.fromkeys(paths, 0.0), 0, [])
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for path in paths:
            began = time.monotonic()
            try:
                async with asyncio.timeout(WORST_S):
                    answer = await _ask(port, f"GET {path} HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n".encode())
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                answer = repr(error).encode()
            if b" 200 OK" not in answer[:20]:
                waits.wrong.append(f"{path} was answered by {answer[:40]!r}")
            waits.worst_s[path] = max(waits.worst_s[path], time.monotonic() - began)
            waits = waits._replace(asked=waits.asked + 1)
        await asyncio.sleep(0.05)
    return waits


async def _come_again_and_again(
    port: int, kind: str, ends: Counter[str], pause_s: float, chance: random.Random
) -> None:
    while True:
        try:
            ends[f"{kind} {await _be_bad(port, kind)}"] += 1
        except asyncio.CancelledError:
            ends[f"{kind} still open"] += 1
            raise
        await asyncio.sleep(pause_s * chance.uniform(0.5, 1.5))


async def _be_bad(port: int, kind: str) -> str:
    """One bad connection; how it ended: "408", "503", "closed", "let go" (a reader), "refused"."""
    sock = socket.socket()
    sock.setblocking(False)
    if kind == "reader":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    loop = asyncio.get_running_loop()
    try:
        await loop.sock_connect(sock, ("127.0.0.1", port))
        if kind == "reader":
            await loop.sock_sendall(sock, LARGE)
            return await _until_reset(sock)
        await loop.sock_sendall(sock, HEADER if kind == "header" else BODY)
        answer = await loop.sock_recv(sock, 1_000)
    except ConnectionRefusedError:
        return "refused"
    except ConnectionError:
        return "closed"
    finally:
        sock.close()
    return answer[9:12].decode() if answer else "closed"


async def _until_reset(sock: socket.socket) -> str:
    """Read nothing; look now and then whether the collector has ended the connection."""
    while not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):  # noqa: ASYNC110 -- to read would help it
        await asyncio.sleep(0.1)
    return "let go"


async def _ask(port: int, request: bytes) -> bytes:
    """The beginning of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await reader.read(1_000)
    finally:
        writer.transport.abort()


def _post(body: bytes) -> bytes:
    return f"{POST}{len(body)}\r\n\r\n".encode() + body


def _batch() -> wire.Batch:
    """Lifecycles that make an answer of megabytes."""
    now_ns = time.time_ns()
    rows = [wire.Row(n, 0, 0, 0, 0, 0, 1_000, 1_000, 1_000, 1_000, 0b10101) for n in range(1, LIFECYCLES + 1)]
    return wire.Batch(
        wire.VERSION,
        wire.Process(b"slow-clients-run", "shop", "host", 1, "3.11.7", now_ns),
        1,
        now_ns,
        0,
        [wire.Site("/srv/shop/orders.py", 41, "orders", "lock")],
        [wire.Resource(1, "asyncio.locks.Lock", "stock", 1, "control")],
        [wire.Task(1, "main", "main", "task", 0, 0, 0, None)],
        [wire.Trace(1)],
        [],
        rows,
    )


EXPERIMENT = Experiment(
    "slow_clients",
    f"{HALF_HEADERS} clients with half a header, {HALF_BODIES} with half a body and {SLOW_READERS} that do not read,"
    f" of a collector that may open {FILES} files, shut nobody out: every answer to another client comes within"
    f" {WORST_S:g} s; no traceback, at most 20 log lines",
    run,
    "time limits and cap off",
)

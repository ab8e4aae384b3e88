"""Runs one way of starting Python, bare and recorded, and reads the recording.

A run has a directory of its own with the programs. Each unit of work appends its process's id to a file, so the test
knows which worker did how many, whatever the way prints.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from tests.support.waiting import until_blocking
from tests.tracer.support import servers

from tenure import testing, wire

from .declaration import UNITS, Way

PROGRAMS = Path(__file__).parent / "programs"
START_S, STOP_S = 40, 30
_CONNECTION = "work.Connection"


@dataclass
class Run:
    """What one run showed. ``output`` is sorted: the lines of several processes come in any order."""

    answers: list[str]
    output: list[str]
    status: int
    done: Counter[int]  # units of work by process id
    lifecycles: Counter[int] = field(default_factory=Counter)  # of the programs' Connection, by process id
    names: Counter[str] = field(default_factory=Counter)  # of the roots of traces


def run(way: Way, python: Path, directory: Path, *, record: bool) -> Run:
    """Run the way in this directory, drive it, stop it."""
    shutil.rmtree(directory, ignore_errors=True)
    shutil.copytree(PROGRAMS, directory, ignore=shutil.ignore_patterns("__pycache__"))
    if way.prepare is not None:
        way.prepare(directory)
    port = servers.free_port()
    command = way.words(python, port)
    if record:
        command = [str(python), "-m", "tenure", "run", "-o", str(directory / "x.json"), *_after_python(command, python)]
    with contextlib.ExitStack() as stack:
        environment = _environment(directory, port)
        if way.redis:
            environment["WAY_REDIS"] = stack.enter_context(servers.redis())
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=stack.enter_context((directory / way.stdin).open("rb")) if way.stdin else subprocess.DEVNULL,
            stdout=stack.enter_context((directory / "out.txt").open("wb")),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            if way.requests or way.sender:
                count, text = way.ready
                _until(lambda: _text(directory).count(text) >= count, process)
            answers = _request(port, process) if way.requests else []
            if way.sender:
                subprocess.run([str(python), way.sender], cwd=directory, env=environment, check=True, timeout=START_S)
            if way.requests or way.sender:
                _until(lambda: _done(directory).total() >= UNITS, process)
                _until(lambda: _text(directory).count(way.end_text) >= UNITS, process)
                time.sleep(way.idle_s)
                process.send_signal(way.stop)
            status = process.wait(STOP_S)
        finally:
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    result = Run(answers, _output(directory, port), status, _done(directory))
    if record:
        _read(directory / "x.json", result)
    return result


def _after_python(command: list[str], python: Path) -> list[str]:
    """`python app.py` is `tenure run app.py`; a program on standard input is that of a Python, the command."""
    return command[1:] if command[0] == str(python) and command[1:] and command[1] != "-" else command


def _environment(directory: Path, port: int) -> dict[str, str]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("TENURE_", "OTEL_", "PYTEST_"))
    }
    home = directory / "home"
    home.mkdir()
    queue = directory / "queue"
    queue.mkdir()
    return environment | {
        "HOME": str(home),
        "WAY_DONE": str(directory / "done.txt"),
        "WAY_PORT": str(port),
        "WAY_QUEUE": str(queue),
        "PYTHONUNBUFFERED": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # the development environment has many, which take long to import
        "NO_COLOR": "1",
        "TERM": "dumb",
        "COLUMNS": "200",
    }


def _request(port: int, process: subprocess.Popen[bytes]) -> list[str]:
    """Have the server do its units of work at once; what it answers."""
    _until_ready(port, process)
    with ThreadPoolExecutor(UNITS) as pool:
        return list(pool.map(lambda item: _get(port, f"/items/{item}"), range(UNITS)))


def _until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    def is_ready() -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return _get(port, "/ready") == "200 ready"
        return False

    _until(is_ready, process)


def _until(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait for the condition, or for the program's end, which is then an error."""
    until_blocking(lambda: condition() or process.poll() is not None, START_S)
    assert process.poll() is None, f"the program ended with {process.returncode} before its work was done"


def _get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        return f"{response.status} {response.read().decode()}"
    finally:
        connection.close()


def _text(directory: Path) -> str:
    return (directory / "out.txt").read_text(errors="replace")


def _done(directory: Path) -> Counter[int]:
    with contextlib.suppress(OSError):
        return Counter(map(int, (directory / "done.txt").read_text().split()))
    return Counter()


_NORMAL = [
    (r"\x1b\[[0-9;?]*[a-zA-Z]", ""),
    (r"\d+(\.\d+){3}:(\d+|PORT)", "HOST"),
    (r"0x[0-9a-f]+", "ADDRESS"),
    (r"(Worker|Srv)[- ]\d", "WORKER"),
    (r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}|[0-9a-f]{32}", "ID"),
    (r"\d{2,4}[-/](\d{2}|[A-Z][a-z]{2})[-/]\d{2,4}", "DATE"),
    (r"\w+ \d\d, \d{4}", "DATE"),
    (r"\d+:\d\d(:\d\d)?([.,]\d+)?", "TIME"),
    (r"\d+([.,]\d+)? ?(s|ms|µs|seconds|sec)\b", "DURATION"),
    (r"\d*\.\d+", "FRACTION"),
    (r"\b\d{3,}\b", "NUMBER"),
    (r"\s+", " "),
]


def _output(directory: Path, port: int) -> list[str]:
    text = _text(directory).replace(str(port), "PORT").replace(str(directory), "DIRECTORY")
    for pattern, name in _NORMAL:
        text = "\n".join(re.sub(pattern, name, line) for line in text.splitlines())
    return sorted(line.strip() for line in text.splitlines() if line.strip())


def _read(path: Path, result: Run) -> None:
    rows: dict[tuple[int, int], testing.Lifecycle] = {}
    for batch in _batches(path):
        for row in testing.lifecycles_of(batch):
            rows[batch.process.pid, row.id] = row
    result.lifecycles = Counter(pid for (pid, _), row in rows.items() if row.resource.split()[0] == _CONNECTION)
    result.names = Counter(row.resource.partition(" ")[2] for row in rows.values() if row.parent == 0)


def _batches(path: Path) -> Iterator[wire.Batch]:
    for batch in msgspec.json.decode(path.read_bytes())["batches"]:
        yield wire.decode_json(msgspec.json.encode(batch))

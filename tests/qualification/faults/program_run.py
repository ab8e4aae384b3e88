"""The program, run as it is and recorded, and what it counted itself."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

PROGRAM = Path(__file__).parent / "program"
LIMIT = 60.0  # seconds for anything to end
_OURS = ("TENURE_", "OTEL_", "PYTHON")


class Count(NamedTuple):
    """What the program says of itself: how often it entered, when it had left (monotonic ns), and other lines."""

    entered: int
    left: list[int]
    other: list[str]


class Done(NamedTuple):
    """How a program ended. ``said`` are Tenure's own lines on stderr, which ``stderr`` is without."""

    status: int
    stdout: str
    stderr: str
    said: list[str]
    seconds: float
    own: Count

    def as_the_program(self) -> tuple[int, str, str, list[str]]:
        """All that must be the same with and without a recording."""
        return self.status, self.stdout, self.stderr, self.own.other


class Running:
    """A program that runs."""

    def __init__(self, command: Sequence[str], directory: Path, count: Path, before: Callable[[], None]) -> None:
        self._count = count
        _started.append(self)
        self._began = time.monotonic()
        self.process = subprocess.Popen(
            command,
            cwd=directory,
            env={name: value for name, value in os.environ.items() if not name.startswith(_OURS)} | _environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=before,  # noqa: PLW1509  # it only asks the system for something
        )

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        self.process.send_signal(number)

    def until(self, line: str) -> None:
        """Wait for a line on its stdout, which is then gone."""
        assert self.process.stdout is not None
        while (got := self.process.stdout.readline().strip()) != line:
            if not got:
                raise AssertionError(f"it ended without {line!r}")

    def until_left(self, times: int) -> None:
        """Wait until it has left what it held so often."""
        deadline = time.monotonic() + LIMIT
        while len(counted(self._count).left) < times:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"it did not hold anything {times} times: {self.done()}")
            time.sleep(0.02)

    def go_on(self) -> None:
        """Let it come to its end, if it works until it is told (``program_faults.until_told``)."""
        Path(f"{self._count}.go").touch()

    def done(self) -> Done:
        """Wait for its end."""
        stdout, stderr = self.process.communicate(timeout=LIMIT)
        seconds = time.monotonic() - self._began
        lines = stderr.splitlines()
        said = [line for line in lines if line.startswith("tenure: ")]
        own = "\n".join(line for line in lines if line not in said)
        return Done(self.process.returncode, stdout, own, said, seconds, counted(self._count))


_started: list[Running] = []
_environment: dict[str, str] = {"PYTHONHASHSEED": "0"}


def end_all() -> None:
    """Kill what a scenario that broke off left behind."""
    while _started:
        process = _started.pop().process
        if process.poll() is None:
            process.kill()
            process.communicate()


def use_probe(probe: str) -> None:
    """Record with this probe from now on: "python" or "native"."""
    _environment["TENURE_PROBE"] = probe


def counted(path: Path) -> Count:
    """Read the program's count."""
    lines = path.read_text().splitlines() if path.exists() else []
    left = [int(line.split()[1]) for line in lines if line.startswith("out ")]
    other = [line for line in lines if line != "in" and not line.startswith("out ")]
    return Count(lines.count("in"), left, other)


def start(
    directory: Path,
    happening: str,
    options: Sequence[str] | None,
    *,
    before: Callable[[], None] | None = None,
    wrapped: Sequence[str] = (),
) -> Running:
    """Start the program in this directory: recorded with these options of ``tenure run``, or (None) as it is.

    ``before`` is called in the process before anything of it runs; ``wrapped`` is a command that starts another.
    """
    for source in ("work.py", "program_faults.py"):
        if not (directory / source).exists():
            shutil.copy(PROGRAM / source, directory)
    form = "as-it-is" if options is None else "recorded"
    count = directory.parent / f"count-{form}"
    for path in (count, Path(f"{count}.go")):
        path.unlink(missing_ok=True)
    recorded = () if options is None else ("-m", "tenure", "run", *options)

    def prepare() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)  # shells let what runs in the background ignore it
        if before is not None:
            before()

    command = [*wrapped, sys.executable, *recorded, "work.py", str(count), happening]
    return Running(command, directory, count, prepare)


def limited(what: int, value: int) -> Callable[[], None]:
    """Something for ``before``: no more than this of a resource."""

    def limit() -> None:
        resource.setrlimit(what, (value, resource.getrlimit(what)[1]))

    return limit

"""The program, run as it is and recorded, with its own count."""

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
    """The program's own count: how often it entered, when it left (monotonic ns), and its other lines."""

    entered: int
    left: list[int]
    other: list[str]


class ProgramExit(NamedTuple):
    """How a program ended. ``messages`` are Tenure's own lines on stderr; ``stderr`` is without them."""

    status: int
    stdout: str
    stderr: str
    messages: list[str]
    seconds: float
    own_count: Count

    def visible_result(self) -> tuple[int, str, str, list[str]]:
        """What must be the same with and without a recording."""
        return self.status, self.stdout, self.stderr, self.own_count.other


class RunningProgram:
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

    def wait_for_line(self, line: str) -> None:
        """Read its stdout up to and including this line."""
        assert self.process.stdout is not None
        while (got := self.process.stdout.readline().strip()) != line:
            if not got:
                raise AssertionError(f"it ended without {line!r}")

    def wait_for_releases(self, times: int) -> None:
        """Wait until it has released so many times."""
        deadline = time.monotonic() + LIMIT
        while len(counted(self._count).left) < times:
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"it did not hold anything {times} times: {self.wait()}")
            time.sleep(0.02)

    def finish(self) -> None:
        """End the work of ``program_faults.until_told``."""
        Path(f"{self._count}.go").touch()

    def wait(self) -> ProgramExit:
        """Wait for its end."""
        stdout, stderr = self.process.communicate(timeout=LIMIT)
        seconds = time.monotonic() - self._began
        lines = stderr.splitlines()
        messages = [line for line in lines if line.startswith("tenure: ")]
        own_stderr = "\n".join(line for line in lines if line not in messages)
        return ProgramExit(self.process.returncode, stdout, own_stderr, messages, seconds, counted(self._count))


_started: list[RunningProgram] = []
_environment: dict[str, str] = {"PYTHONHASHSEED": "0"}


def end_all() -> None:
    """Kill the programs that a failed scenario left behind."""
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
    fault: str,
    options: Sequence[str] | None,
    *,
    before: Callable[[], None] | None = None,
    wrapped: Sequence[str] = (),
) -> RunningProgram:
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

    command = [*wrapped, sys.executable, *recorded, "work.py", str(count), fault]
    return RunningProgram(command, directory, count, prepare)


def limited(kind: int, value: int) -> Callable[[], None]:
    """A function for ``before`` that limits a resource to this value."""

    def limit() -> None:
        resource.setrlimit(kind, (value, resource.getrlimit(kind)[1]))

    return limit

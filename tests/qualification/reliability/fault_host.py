"""One process that forks for each fault: the program under trace, with one function of the tracer made to fail.

    python -m tests.qualification.reliability.fault_host DIRECTORY reached|faults

Reads what is to be tried from standard input, ``TARGET KIND`` a line, and answers each with a line of JSON: how the
program ended. ``reached``: the targets that the program comes to.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import CodeType, FrameType

from tests.qualification.reliability import fault_program, fault_targets

SECONDS = 30.0  # that one run may take
AT_ONCE = 8  # most of a run is waiting
_DEAD = "http://127.0.0.1:1"  # nobody listens


class Run:
    """A child in a directory of its own."""

    def __init__(self, directory: Path, name: str, kind: str) -> None:
        self.directory, self.name, self.kind = directory, name, kind
        self._deadline = time.monotonic() + SECONDS
        self.pid = os.fork()
        if self.pid == 0:
            os.chdir(directory)
            _redirect()

    def has_ended(self) -> bool:
        """Whether it did; it is killed when its time is over."""
        ended, code = os.waitpid(self.pid, os.WNOHANG)
        if not ended and time.monotonic() > self._deadline:
            os.kill(self.pid, signal.SIGKILL)
            ended, code = os.waitpid(self.pid, 0)
        if ended:
            status = os.waitstatus_to_exitcode(code)
            out, err = ((self.directory / name).read_text(errors="replace") for name in ("out", "err"))
            result = {"status": status, "stdout": out, "stderr": err.replace(str(self.directory), "DIRECTORY")}
            print(json.dumps({"name": self.name, "kind": self.kind, **result}), flush=True)
        return bool(ended)


def main() -> None:
    """As above."""
    directory = Path(sys.argv[1]).resolve()
    mode = sys.argv[2]
    free = []
    for number in range(AT_ONCE):
        free.append(directory / str(number))
        free[-1].mkdir(exist_ok=True)
        for name, source in fault_program.SOURCES.items():
            (free[-1] / name).write_text(source)
    from tenure.cli import run as command  # noqa: PLC0415  # with the targets

    targets = {target.name: target for target in fault_targets.all_targets()}
    options = ["-o", "recording.json", "--collector", _DEAD, "--sync", fault_program.NAME]
    if mode == "reached":
        os.chdir(free[0])
        _note_what_is_reached(targets, directory / "reached")
        sys.exit(command.main(options))
    requests = [line.split() for line in sys.stdin]
    running: list[Run] = []
    while requests or running:
        while requests and free:
            running.append(Run(free.pop(), *requests.pop()))
            if running[-1].pid == 0:
                if running[-1].name != "-":
                    fault_targets.inject(targets[running[-1].name], running[-1].kind)
                sys.exit(command.main(options))
        for run in [run for run in running if run.has_ended()]:
            running.remove(run)
            free.append(run.directory)
        time.sleep(0.002)


def _redirect() -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    out, err = (os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600) for name in ("out", "err"))
    for file, number in ((nothing, 0), (out, 1), (err, 2)):
        os.dup2(file, number)
        os.close(file)


def _note_what_is_reached(targets: dict[str, fault_targets.Target], file: Path) -> None:
    names: dict[int, tuple[str, CodeType]] = {id(target.code): (name, target.code) for name, target in targets.items()}
    reached: set[str] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            target = names.get(id(frame.f_code))
            if target is not None:
                reached.add(target[0])

    pid = os.getpid()

    def tell() -> None:
        sys.setprofile(None)
        if os.getpid() == pid:
            file.write_text("\n".join(name for name in targets if name in reached))

    atexit.register(tell)
    threading.setprofile(note)
    sys.setprofile(note)


if __name__ == "__main__":
    main()

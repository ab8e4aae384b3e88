"""Where the processor time of a recorded program goes, by room of Tenure's code: py-spy looks from outside."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

RATE = 500  # samples a second
PROGRAM = "the program"
_FRAME = re.compile(r"\(([\w.]+)(?:/(\w+)(?=/))?[^()]*:\d+\)$")  # "look (tenure/_sinks/shipper.py:31)"


class Sampling:
    """Looks at a process for some seconds; ``shares`` waits for the end."""

    def __init__(self, pid: int, seconds: int) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._file = Path(self._folder.name, "stacks")
        options = ["-p", str(pid), "-d", str(seconds), "-r", str(RATE), "-f", "raw", "-F", "-o", str(self._file)]
        command = [str(Path(sys.executable).with_name("py-spy")), "record", "--nonblocking", *options]
        self._spy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def shares(self) -> dict[str, float]:
        """Percent of the samples by room, that of the innermost frame of Tenure's. C code counts for its caller."""
        self._spy.wait()
        counts: Counter[str] = Counter()
        for line in self._file.read_text(encoding="utf-8").splitlines():
            stack, _, count = line.rpartition(" ")
            counts[room_of(stack)] += int(count)
        self._folder.cleanup()
        total = counts.total() or 1
        return {room: 100 * count / total for room, count in counts.most_common()}


def room_of(stack: str) -> str:
    """The room of the innermost frame of Tenure's, if all frames within it are Python's own; else the program."""
    for frame in reversed(stack.split(";")):
        match = _FRAME.search(frame)
        if match is None:
            continue
        package, room = match[1], match[2]
        if package == "tenure":
            return PROGRAM if room == "cli" else room or package
        if package.removesuffix(".py") not in sys.stdlib_module_names:
            return PROGRAM
    return PROGRAM

"""What recording adds to the start of a process that imports asyncio, and what it adds where $TENURE_RECORD is not set.

A process runs bare and as the child of a recorded process, turn by turn: one that does nothing more, and one that uses
one manager. A figure is the middle of the differences between neighbours, in time of the processor, which other work on
the machine changes least. Bytecode is there, as after the first start.

The start-up file's own cost is measured within one process: it is far below the difference of two processes.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import timeit
from pathlib import Path

from benchmarks.figure import Figure
from tenure._core import process_tree

PAIRS = 25
PROGRAM = "import asyncio\n"
LIFECYCLE = """
class Manager:
    async def __aenter__(self): pass
    async def __aexit__(self, *details): pass
async def main():
    async with Manager(): pass
asyncio.run(main())
"""
STARTUP_FILE = Path(__file__).parent.parent / "tracer" / "tenure.pth"


def figures() -> list[Figure]:
    """The table's lines."""
    title = "{}.{}".format(*sys.version_info)
    with tempfile.TemporaryDirectory() as folder:
        starts, uses = Path(folder, "starts.py"), Path(folder, "uses.py")
        starts.write_text(PROGRAM, encoding="utf-8")
        uses.write_text(PROGRAM + LIFECYCLE, encoding="utf-8")
        tree = Path(folder, "tree")
        tree.touch()
        recorded = {
            "TENURE_RECORD": "1",
            "TENURE_OUTPUT": str(Path(folder, "recording.json")),
            process_tree.VARIABLE: f"{os.getpid()}:{tree}",
        }
        return [
            Figure(f"{title}: recorded", _more_ms(starts, recorded), "ms", "at most 60"),
            Figure(f"{title}: recorded, with one lifecycle", _more_ms(uses, recorded), "ms", ""),
            Figure(f"{title}: not recorded", _startup_file_ms(), "ms", "below 1"),
        ]


def _more_ms(program: Path, variables: dict[str, str]) -> float:
    """Milliseconds that these variables add to a process that runs this program."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("TENURE_", "PYTHONDONTWRITE"))}
    bare["PYTHONPYCACHEPREFIX"] = str(program.parent / "bytecode")
    for environment in (bare, bare | variables):
        _run(program, environment)  # writes the bytecode
    differences = [_run(program, bare | variables) - _run(program, bare) for _ in range(PAIRS)]
    return statistics.median(differences) * 1e3


def _run(program: Path, environment: dict[str, str]) -> float:
    """Seconds of processor time of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, str(program)], env=environment, check=True, stdin=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _startup_file_ms() -> float:
    """Milliseconds to read and execute the start-up file, twice, as Python does in a virtual environment."""

    def read() -> None:
        for line in STARTUP_FILE.read_text(encoding="utf-8").splitlines():
            exec(line, {})  # noqa: S102  # as the module `site` does

    kept = os.environ.pop("TENURE_RECORD", None)
    try:
        return min(timeit.repeat(lambda: (read(), read()), number=1, repeat=PAIRS)) * 1e3
    finally:
        if kept is not None:
            os.environ["TENURE_RECORD"] = kept

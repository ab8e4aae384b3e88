"""``tenure run COMMAND``: which command it is, a run within a run, and children that outlive the root."""

import os
import sys
from pathlib import Path

import pytest
from tests.support.waiting import until_blocking
from tests.tracer.support import programs

USE = """
import asyncio
class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): return None
async def main():
    async with Manager(): print("used")
if __name__ in {"__main__", "__mp_main__"}:
    asyncio.run(main())
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    programs.write(tmp_path, use=USE)
    return tmp_path


def rows(path: Path) -> int:
    """How many lifecycles a recording has."""
    return sum(len(batch.rows) for batch in programs.recorded(path))


def test_a_command_of_an_environment_that_is_not_activated_is_found(directory: Path) -> None:
    """`.venv/bin/tenure run uvicorn` finds the uvicorn beside it, though .venv/bin is not on PATH."""
    bare = str(Path(sys.executable).parent)
    path = os.pathsep.join(part for part in os.environ["PATH"].split(os.pathsep) if part != bare)
    done = programs.tenure(directory, "run", "-o", "x.json", "coverage", "run", "use.py", PATH=path)
    assert (done.status, done.stdout) == (0, "used\n")


def test_a_run_within_a_run_has_a_recording_of_its_own(directory: Path) -> None:
    """`tenure run tenure run app.py`: both programs run, and the inner options count for the inner program."""
    tenure = str(Path(sys.executable).with_name("tenure"))
    done = programs.tenure(directory, "run", "-o", "outer.json", tenure, "run", "-o", "inner.json", "use.py")
    assert (done.status, done.stdout) == (0, "used\n")
    assert rows(directory / "inner.json") == 1


def test_a_child_that_outlives_the_root_is_said_and_loses_nothing(directory: Path) -> None:
    """The root does not claim that nothing was recorded, and the child's records come into the recording."""
    programs.write(
        directory,
        late="import sys, use, asyncio\nsys.stdin.read()\nasyncio.run(use.main())\nopen('ended', 'w').close()\n",
        parent="""
        import os, subprocess, sys
        reading, writing = os.pipe()
        child = subprocess.Popen([sys.executable, "late.py"], stdin=reading, stdout=subprocess.DEVNULL)
        os.close(reading)
        os.set_inheritable(writing, True)
        subprocess.Popen(["sh", "-c", f"sleep 4; exec {writing}>&-"], close_fds=False, stdout=subprocess.DEVNULL)
        while "started" not in open(os.environ["TENURE_TREE"].partition(":")[2]).read(): pass
        """,
    )
    done = programs.recording(directory, "parent.py", TENURE_OUTPUT="x.mmd")
    assert "1 process still runs: nothing was recorded until now" in done.stderr
    assert "neither in this process" not in done.stderr
    until_blocking((directory / "ended").exists, 20)
    until_blocking(lambda: rows(directory / "x.mmd.recording.json") == 1, 10)

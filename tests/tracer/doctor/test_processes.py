"""``tenure doctor`` follows the processes that a program starts, and has a section for each."""

import sys
from pathlib import Path
from typing import Any

import pytest
from tests.tracer.support import programs
from tests.tracer.support.doctor_report import examine, recorded

USE = """
    import asyncio
    class Manager:
        async def __aenter__(self): return self
        async def __aexit__(self, *details): return None
    async def main():
        async with Manager(): print("used", flush=True)
    def run(): asyncio.run(main())
    if __name__ == "__main__": run()
"""
HIDDEN = """
    import asyncio
    class Lock:
        async def __aenter__(self): return self
        async def __aexit__(self, *details): return None
    async def main(): await Lock().__aenter__()
    asyncio.run(main())
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    programs.write(tmp_path, use=USE, hidden=HIDDEN)
    return tmp_path


def by_pid(report: dict[str, Any]) -> dict[int, dict[str, Any]]:
    return {process["pid"]: process for process in report["processes"]}


def test_each_subprocess_has_a_section(directory: Path) -> None:
    """Its process id, command, lifecycles and what it missed with the reason; the root's own part is as ever."""
    programs.write(
        directory,
        parent="""
        import subprocess, sys
        for script in ("use.py", "hidden.py"):
            child = subprocess.Popen([sys.executable, script])
            print(child.pid, flush=True)
            child.wait()
        """,
    )
    done, report = examine(directory, "parent.py")
    used, hidden = (int(line) for line in done.stdout.split() if line != "used")
    assert (done.status, done.stderr, report["program"], report["lifecycles"]) == (0, "", "parent", 0)
    assert list(by_pid(report)) == [used, hidden]
    assert [process["command"] for process in report["processes"]] == [
        f"{sys.executable} use.py",
        f"{sys.executable} hidden.py",
    ]
    assert by_pid(report)[used]["report"]["lifecycles"] == 1
    (missed,) = by_pid(report)[hidden]["report"]["missed"]
    assert (missed["type"], missed["line"]) == ("__main__.Lock", 6)
    assert missed["reason"].startswith("entered by a call")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing_have_a_section(method: str, directory: Path) -> None:
    """Each counts its own alone; the resource tracker has none."""
    programs.write(
        directory,
        parent=f"""
        import multiprocessing
        import use
        if __name__ == "__main__":
            use.run()
            context = multiprocessing.get_context({method!r})
            children = [context.Process(target=use.run) for _ in range(2)]
            for child in children: child.start()
            for child in children: child.join()
            print(*sorted(child.pid for child in children))
        """,
    )
    done, report = examine(directory, "parent.py")
    pids = [int(word) for word in done.stdout.splitlines()[-1].split()]
    assert (done.status, done.stderr, report["lifecycles"]) == (0, "", 1)
    assert [by_pid(report)[pid]["report"]["lifecycles"] for pid in pids] == [1, 1]
    assert [recorded(by_pid(report)[pid]["report"]) for pid in pids] == [{"use.Manager": {"rewritten": 1}}] * 2
    assert not [process for process in report["processes"] if "resource_tracker" in process["command"]]


def test_a_child_that_is_not_recorded_or_was_killed_says_why(directory: Path) -> None:
    """One without the environment has the reason; one that was killed has no report."""
    programs.write(
        directory,
        parent="""
        import subprocess, sys
        bare = subprocess.Popen([sys.executable, "use.py"], env={"PATH": "/usr/bin"})
        bare.wait()
        killed = subprocess.Popen([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])
        killed.wait()
        print(bare.pid, killed.pid)
        """,
    )
    done, report = examine(directory, "parent.py")
    bare, killed = (int(word) for word in done.stdout.splitlines()[-1].split())
    assert "without TENURE_RECORD, so it is not recorded" in by_pid(report)[bare]["reason"]
    assert by_pid(report)[bare]["command"] == f"{sys.executable} use.py"
    assert by_pid(report)[killed]["reason"].startswith("no report: it was ended by a signal")
    assert by_pid(report)[killed]["report"] is None


def test_a_command_is_followed(directory: Path) -> None:
    """A shell has no part of its own; its exit code and the output of its children stay."""
    words = ["sh", "-c", f"{sys.executable} use.py; exit 3"]
    done, report = examine(directory, *words)
    assert done == (3, "used\n", "")
    (process,) = report["processes"]
    assert report["command"].startswith("sh -c ")
    assert process["report"]["lifecycles"] == 1

    done = programs.tenure(directory, "doctor", *words, TMPDIR=str(directory))
    lines = done.stderr.splitlines()
    assert lines[0].endswith(", Python processes: 1")
    assert lines[1].endswith(f", {sys.executable} use.py: 1 lifecycle recorded")
    assert lines[2:] == ["managers recorded: 1", "       1  __main__.Manager (1 rewritten)"]
    assert not list(directory.glob("tenure-*"))


def test_a_console_script_and_a_text_are_examined_as_programs(directory: Path) -> None:
    """A console script of this Python runs in the doctor's process; so does -c."""
    script = directory / "shop"
    script.write_text(f"#!{sys.executable}\nimport use; use.run()\n")
    script.chmod(0o755)
    for arguments in ([str(script)], ["-c", "import use; use.run()"]):
        done, report = examine(directory, *arguments)
        assert done == (0, "used\n", "")
        assert (report["lifecycles"], report["processes"]) == (1, [])


def test_a_recording_within_a_program_is_one(directory: Path) -> None:
    """`tenure run` in a program under the doctor records its own tree, which is not the doctor's."""
    programs.write(
        directory,
        parent="""
        import subprocess, sys
        command = [sys.executable, "-m", "tenure", "run", "-o", "x.json", "sh", "-c", f"{sys.executable} use.py"]
        subprocess.run(command, check=True)
        """,
    )
    done, report = examine(directory, "parent.py")
    assert (done, report["processes"]) == ((0, "used\n", ""), [])
    assert sum(len(batch.rows) for batch in programs.recorded(directory / "x.json")) == 1


def test_a_command_that_is_not_there_costs_one_line(directory: Path) -> None:
    """As with `tenure run`."""
    done = programs.tenure(directory, "doctor", "nothing")
    assert (done.status, done.stdout) == (2, "")
    assert done.stderr.startswith("tenure: no file and no command named 'nothing'")
    assert done.stderr.count("\n") == 1

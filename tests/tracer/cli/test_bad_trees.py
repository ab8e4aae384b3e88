"""Bad input in a tree of processes: one clear line each, the program as without Tenure, and no secret in any line."""

import os
import re
import sys
import venv
from pathlib import Path

import pytest
from tests.tracer.support import programs
from tests.tracer.support.programs import NOWHERE

USE = """
    import asyncio, os
    class Manager:
        async def __aenter__(self): return self
        async def __aexit__(self, *details): return None
    async def main():
        async with Manager(): os.write(1, b"used\\n")
    def run(): asyncio.run(main())
    if __name__ == "__main__": run()
"""
NOTHING = (
    "tenure: nothing was recorded, neither in this process nor in those that it started"
    " (`tenure doctor` with the same program says what was missed and why)\n"
)
STARTUP_FILE = Path(__file__).parents[3] / "tracer" / "tenure.pth"
TOKEN = "hf_" + "s3cr3t" * 5  # put together, so that it is in no text of this file


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    programs.write(tmp_path, use=USE)
    return tmp_path


@pytest.mark.parametrize(("text", "status"), [("true", 0), ("exit 7", 7), ("kill -TERM $$", -15)])
def test_a_command_that_is_no_python_or_ends_at_once_is_one_line(text: str, status: int, directory: Path) -> None:
    """It ends as without Tenure, and the line says that nothing was recorded and what to do."""
    assert programs.tenure(directory, "run", "-o", "x.json", "sh", "-c", text) == (status, "", NOTHING)


def test_a_file_that_cannot_be_executed_is_one_line(directory: Path) -> None:
    """A program of another kind of machine, and one without permission."""
    for name, mode, reason in (("blob", 0o755, "Exec format error"), ("locked", 0o644, "Permission denied")):
        (directory / name).write_bytes(b"\0\1\2\3")
        (directory / name).chmod(mode)
        done = programs.tenure(directory, "run", "-o", "x.json", f"./{name}")
        assert done == (2, "", f"tenure: cannot execute ./{name}: {reason}\n")


def test_a_program_that_clears_its_own_environment_says_which_children_are_lost(directory: Path) -> None:
    """The program itself is recorded; one line for its children, however many."""
    programs.write(
        directory,
        parent="""
        import os, subprocess, sys
        import use
        os.environ.clear()
        for _ in range(3): subprocess.run([sys.executable, "use.py"])
        use.run()
        """,
    )
    done = programs.tenure(directory, "run", "-o", "x.json", "parent.py")
    assert (done.status, done.stdout) == (0, "used\n" * 4)
    assert done.stderr == (
        f"tenure: {sys.executable} was started with an environment without TENURE_RECORD, so it is not recorded"
        " (pass the TENURE_* variables on)\n"
    )


def test_a_python_without_tenure_runs_as_ever(directory: Path) -> None:
    """The parent names it and the command that installs Tenure; the child prints nothing of Tenure."""
    venv.create(directory / "bare", symlinks=True)
    python = str(directory / "bare" / "bin" / "python")
    programs.write(directory, parent=f"import subprocess, use\nsubprocess.run([{python!r}, 'use.py'])\nuse.run()\n")
    done = programs.tenure(directory, "run", "-o", "x.json", "parent.py")
    assert done == (
        0,
        "used\nused\n",
        f"tenure: {python} has no Tenure, so it is not recorded ({python} -m pip install tenure)\n",
    )


def test_a_python_that_is_too_old_is_named(directory: Path) -> None:
    """By the directory of its packages; it is started as ever."""
    old = directory / "old"
    (old / "lib" / "python2.7" / "site-packages").mkdir(parents=True)
    (old / "bin").mkdir()
    python = old / "bin" / "python2.7"
    python.write_text("#!/bin/sh\necho old\n")
    python.chmod(0o755)
    programs.write(directory, parent=f"import subprocess, use\nsubprocess.run([{str(python)!r}])\nuse.run()\n")
    done = programs.tenure(directory, "run", "-o", "x.json", "parent.py")
    assert done == (0, "old\nused\n", f"tenure: {python} is not recorded: Tenure needs Python 3.11 or newer\n")


@pytest.mark.parametrize("version", [(2, 7), (3, 10)])
def test_a_startup_file_that_was_copied_into_an_old_python_costs_one_line(
    version: tuple[int, int], directory: Path
) -> None:
    """Where TENURE_RECORD asks for it: once, though Python may read the file twice. Else it is silent."""
    code = (
        f"import sys\nsys.version_info = {(*version, 0)}\nfor _ in range(2): exec(open({str(STARTUP_FILE)!r}).read())\n"
    )
    line = f"tenure: {sys.executable} is not recorded: Tenure needs Python 3.11 or newer\n"
    assert programs.python(directory, "-c", code, flags=("-S",), TENURE_RECORD="1") == (0, "", line)
    for value in ("", "0", "No"):
        assert programs.python(directory, "-c", code, flags=("-S",), TENURE_RECORD=value) == (0, "", "")


def test_the_startup_file_is_one_line_that_every_python_can_compile() -> None:
    """Python 2.7 has no call of `exec` in an expression, and Python before 3.6 no f-string."""
    text = STARTUP_FILE.read_text()
    assert text.count("\n") == 1
    assert text.startswith("import ")
    assert not re.search(r"""\bexec\(|\bf["']|:=|\bprint\(""", text)


def test_a_startup_file_without_tenure_costs_one_line(directory: Path) -> None:
    """The package was taken away, and the file was left."""
    code = f"exec(open({str(STARTUP_FILE)!r}).read())"
    done = programs.python(directory, "-c", code, flags=("-S",), TENURE_RECORD="1")
    assert done == (0, "", f"tenure: {sys.executable} is not recorded: No module named 'tenure'\n")


def test_a_collector_that_is_down_is_said_once_for_twenty_workers(directory: Path) -> None:
    """One line for all; the workers end as without Tenure, and each says what it has lost."""
    programs.write(
        directory,
        parent="""
        import multiprocessing
        import use
        if __name__ == "__main__":
            workers = [multiprocessing.get_context("fork").Process(target=use.run) for _ in range(20)]
            for worker in workers: worker.start()
            for worker in workers: worker.join()
            print({worker.exitcode for worker in workers})
        """,
    )
    done = programs.tenure(directory, "run", "--collector", NOWHERE, "parent.py")
    lines = done.stderr.splitlines()
    assert (done.status, done.stdout) == (0, "used\n" * 20 + "{0}\n")
    assert sum("does not answer" in line for line in lines) == 1
    assert sum("1 lifecycle was lost" in line for line in lines) == 20
    assert len(lines) == 21


@pytest.mark.parametrize("command", [["run"], ["doctor"]])
def test_no_line_of_ours_has_a_token(command: list[str], directory: Path) -> None:
    """Neither $TENURE_TOKEN nor a password in the collector's URL, whatever fails; the program may print them."""
    programs.write(
        directory,
        parent="""
        import os, subprocess, sys
        import use
        use.run()
        token = os.environ["TENURE_TOKEN"]
        subprocess.run([sys.executable, "use.py", "--token", token, f"--password={token}"], env={"PATH": "/usr/bin"})
        subprocess.run([sys.executable, "use.py"])
        print(token)
        """,
    )
    url = NOWHERE.replace("//", f"//shop:{TOKEN}@")
    for collector in (url, f"http://shop:{TOKEN}@x:port", f"{TOKEN}"):
        done = programs.tenure(directory, *command, "--collector", collector, "parent.py", TENURE_TOKEN=TOKEN)
        assert done.stderr
        assert TOKEN not in done.stderr
        assert TOKEN not in done.stdout.replace(f"\n{TOKEN}\n", "\n")
        environment = {"TENURE_TOKEN": TOKEN, "TENURE_COLLECTOR": collector}
        done = programs.recording(directory, "use.py", **environment)
        assert (done.status, done.stdout) == (0, "used\n")
        assert TOKEN not in done.stderr


def test_the_environment_is_in_no_recording(directory: Path) -> None:
    """A recording of a tree with a token in its environment has no word of it."""
    programs.tenure(directory, "run", "-o", "x.json", "sh", "-c", f"{sys.executable} use.py", TENURE_TOKEN=TOKEN)
    assert "Manager" in (directory / "x.json").read_text()
    assert TOKEN not in (directory / "x.json").read_text()
    assert os.environ.get("TENURE_TOKEN") != TOKEN

"""With TENURE_RECORD=1 in its environment a Python process is recorded, however it is started, and runs as ever."""

import os
import subprocess
import sys
import textwrap
import venv
import zipfile
from pathlib import Path

import pytest
from tests.tracer.support import programs
from tests.tracer.support.exit_programs import ENDS, MODULES
from tests.tracer.support.programs import NOWHERE

VIEW = """
import sys
print(__name__, vars().get("__file__"), __package__, type(__spec__).__name__, getattr(__spec__, "name", None), __doc__)
print(sys.argv, sys.orig_argv[1:], sys.path[0], sys.modules["__main__"].__dict__ is globals(), sys.path_hooks[0])
print(sorted(name for name in globals()), sys.excepthook is sys.__excepthook__)
"""
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
RUNS = {
    "a script": ["app.py", "one", "--two", "-m", "-o", "x"],
    "a script by another path": ["./inner/../app.py"],
    "a directory": ["inner"],
    "a module": ["-m", "inner.app", "--collector", "x"],
    "a module, joined to a flag": ["-Bminner.app"],
    "a package": ["-m", "inner", "-m", "y"],
    "a zip file": ["app.zip"],
    "a command": ["-c", VIEW + "\nasync def f(): pass", "-m", "x"],
    "isolated": ["-I", "app.py"],
    "without the environment": ["-E", "-s", "app.py"],
    "with a safe path": ["-P", "app.py"],
    "with warnings": ["-W", "error", "-X", "dev", "app.py"],
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    programs.write(tmp_path, app=VIEW, use=USE, **{"inner/__init__": "", "inner/app": VIEW, "inner/__main__": VIEW})
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.writestr("__main__.py", VIEW)
    return tmp_path


def rows(path: Path) -> int:
    """How many lifecycles a recording has."""
    return sum(len(batch.rows) for batch in programs.recorded(path))


def processes(path: Path) -> set[int]:
    """The process ids in a recording."""
    return {batch.process.pid for batch in programs.recorded(path)}


@pytest.mark.parametrize("name", RUNS)
def test_a_program_sees_itself_as_without_us(name: str, directory: Path) -> None:
    """Its name, file, package, spec, arguments, import path and hooks are the same."""
    plain = programs.python(directory, *RUNS[name])
    assert plain.status == 0
    assert programs.recording(directory, *RUNS[name], TENURE_OUTPUT="x.json") == plain


@pytest.mark.parametrize(
    "arguments",
    [
        ["use.py"],
        ["-m", "use"],
        ["-c", USE],
        ["-I", "use.py"],
        ["-c", "import runpy; runpy.run_path('use.py', run_name='__main__')"],
        ["-c", "import runpy; runpy.run_module('use', run_name='__main__')"],
        ["-c", "import subprocess, sys; subprocess.run([sys.executable, 'use.py'], check=True)"],
        ["-c", "import os, sys; os.execv(sys.executable, [sys.executable, 'use.py'])"],
    ],
)
def test_however_it_is_started_it_is_recorded(arguments: list[str], directory: Path) -> None:
    """A script, a module, a command, what runpy runs, a subprocess and what replaces the process."""
    assert programs.recording(directory, *arguments, TENURE_OUTPUT="x.json") == (0, "used\n", "")
    assert rows(directory / "x.json") == 1


def test_a_program_on_standard_input_is_recorded(directory: Path) -> None:
    """`python - < app.py`, and without the dash."""
    for arguments in ([], ["-"]):
        assert programs.recording(directory, *arguments, stdin=USE, TENURE_OUTPUT="x.json") == (0, "used\n", "")
        assert rows(directory / "x.json") == 1


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_children_of_multiprocessing_are_recorded(method: str, directory: Path) -> None:
    """Each child by its own process id; the parent and the helpers, which hold nothing, are in no list."""
    programs.write(
        directory,
        parent=f"""
        import asyncio, multiprocessing, os
        from use import Manager
        async def main():
            async with Manager(): os.write(1, b"%d\\n" % os.getpid())
        def work(): asyncio.run(main())
        if __name__ == "__main__":
            context = multiprocessing.get_context({method!r})
            children = [context.Process(target=work) for _ in range(2)]
            for child in children: child.start()
            for child in children: child.join()
        """,
    )
    done = programs.recording(directory, "parent.py", TENURE_OUTPUT="x.json")
    assert (done.status, done.stderr) == (0, "")
    assert processes(directory / "x.json") == {int(line) for line in done.stdout.split()}
    assert rows(directory / "x.json") == 2


@pytest.mark.parametrize("name", ENDS)
def test_a_script_ends_as_without_us(name: str, tmp_path: Path) -> None:
    """Exit status, output and the text of the traceback are the same however a program ends."""
    programs.write(tmp_path, app=ENDS[name], **MODULES)
    (tmp_path / "null.py").write_bytes(b"async def f(m):\n    async with m: pass\n\0")
    plain = programs.python(tmp_path, "app.py")
    assert programs.recording(tmp_path, "app.py", TENURE_OUTPUT="x.json") == plain


@pytest.mark.parametrize(
    "name", ["status", "message", "exception", "exception in a task", "syntax", "keyboard", "atexit"]
)
def test_a_command_and_standard_input_end_as_without_us(name: str, tmp_path: Path) -> None:
    """They are run by a hook, and nobody can tell."""
    text = "async def unused(): pass\n" + ENDS[name]
    assert programs.recording(tmp_path, "-c", text, TENURE_OUTPUT="x.json") == programs.python(tmp_path, "-c", text)
    plain = programs.python(tmp_path, "-", stdin=text)
    assert programs.recording(tmp_path, "-", stdin=text, TENURE_OUTPUT="x.json") == plain


def test_what_is_no_source_file_runs_as_ever(directory: Path) -> None:
    """Bytecode is run as it is; a file that is not there or cannot be read gets Python's own word."""
    import py_compile  # noqa: PLC0415  # of this one test

    py_compile.compile(str(directory / "app.py"), str(directory / "app.pyc"))
    for arguments in (["app.pyc"], ["missing.py"], ["-m", "missing"], ["-c", "async def"]):
        plain = programs.python(directory, *arguments)
        assert programs.recording(directory, *arguments, TENURE_OUTPUT="x.json") == plain


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ({"TENURE_COLLECTOR": "no url"}, "invalid collector URL 'no url'"),
        ({"TENURE_OUTPUT": "/nowhere/x.json"}, "cannot write /nowhere/x.json"),
        ({"TENURE_OUTPUT": "x.txt"}, "unknown suffix '.txt'"),
        ({"TENURE_SCRUB": "("}, "TENURE_SCRUB"),
    ],
)
def test_what_cannot_be_done_costs_one_line(environment: dict[str, str], line: str, directory: Path) -> None:
    """The program runs as ever, unrecorded, and one line says why."""
    done = programs.recording(directory, "use.py", **environment)
    assert (done.status, done.stdout) == (0, "used\n")
    assert done.stderr.count("\n") == 1
    assert line in done.stderr
    assert "this process is not recorded" in done.stderr


def test_an_absent_collector_is_said_once_for_a_tree_of_processes(directory: Path) -> None:
    """One line for a parent and its five children; what each has lost it says itself."""
    programs.write(
        directory,
        parent="""
        import subprocess, sys
        for child in [subprocess.Popen([sys.executable, "use.py"]) for _ in range(5)]: child.wait()
        """,
    )
    done = programs.recording(directory, "parent.py", TENURE_COLLECTOR=NOWHERE)
    assert (done.status, done.stdout.count("used")) == (0, 5)
    assert done.stderr.count("does not answer") == 1
    assert done.stderr.count("1 lifecycle was lost") == 5


def test_the_environment_turns_recording_off_again(directory: Path) -> None:
    """Empty, 0, false and no are no wish to record."""
    for value in ("", "0", "false", "No"):
        programs.recording(directory, "use.py", TENURE_OUTPUT="x.json", TENURE_RECORD=value)
        assert not (directory / "x.json").exists()


def test_our_own_commands_do_not_record_themselves(directory: Path) -> None:
    """`tenure export` under TENURE_RECORD=1 leaves the recording alone that it reads."""
    programs.recording(directory, "use.py", TENURE_OUTPUT="x.json")
    before = (directory / "x.json").read_bytes()
    done = programs.recording(directory, "-m", "tenure", "export", "x.json", "--to", "mermaid", TENURE_OUTPUT="x.json")
    assert done.status == 0
    assert "Manager" in done.stdout
    assert (directory / "x.json").read_bytes() == before


def test_options_of_the_environment_have_their_effect(directory: Path) -> None:
    """The name of the service, `with` statements, and packages that are left out."""
    programs.write(
        directory,
        both="import use, threading\nwith threading.Lock(): pass\nwith open(__file__): pass\n",
    )
    programs.recording(directory, "both.py", TENURE_OUTPUT="x.json", TENURE_SYNC="1", TENURE_SERVICE="shop")
    assert rows(directory / "x.json") == 2
    assert {batch.process.service for batch in programs.recorded(directory / "x.json")} == {"shop"}
    programs.write(directory, only="import asyncio, use\nasyncio.run(use.main())\n")
    programs.recording(directory, "only.py", TENURE_OUTPUT="x.json", TENURE_EXCLUDE="use, other")
    assert rows(directory / "x.json") == 0


def test_a_child_that_cannot_be_recorded_is_named_once(directory: Path) -> None:
    """One without the environment, one started with -S, one that has no Tenure: each with its reason."""
    bare = directory / "bare"
    venv.create(bare, symlinks=True)
    python = bare / "bin" / "python"
    programs.write(
        directory,
        parent=f"""
        import subprocess, sys
        for _ in range(2):
            subprocess.run([sys.executable, "use.py"], env={{"PATH": "/usr/bin"}})
            subprocess.run([sys.executable, "-S", "-c", "pass"])
            subprocess.run([{str(python)!r}, "-c", "pass"])
            subprocess.run(["true"])
        """,
    )
    done = programs.recording(directory, "parent.py", TENURE_OUTPUT="x.json")
    lines = done.stderr.splitlines()
    assert (done.status, done.stdout, len(lines)) == (0, "used\n" * 2, 4)
    assert "without TENURE_RECORD" in lines[0]
    assert "-S" in lines[1]
    assert f"{python} has no Tenure" in lines[2]
    assert "nothing was recorded" in lines[3]


def test_a_recording_of_a_tree_has_all_its_processes(directory: Path) -> None:
    """`tenure run` of a shell, with two Pythons at once below it, which outlive nobody."""
    command = f"{sys.executable} use.py & {sys.executable} -m use & wait; exit 3"
    done = programs.tenure(directory, "run", "-o", "x.json", "sh", "-c", command)
    assert (done.status, done.stdout.count("used"), done.stderr) == (3, 2, "")
    assert len(processes(directory / "x.json")) == 2


def test_no_children_leaves_them_out(directory: Path) -> None:
    """And the environment that they get has no word of Tenure."""
    programs.write(
        directory,
        parent="""
        import os, subprocess, sys
        subprocess.run([sys.executable, "use.py"])
        print([name for name in os.environ if name.startswith("TENURE_RECORD")])
        """,
    )
    done = programs.tenure(directory, "run", "--no-children", "-o", "x.json", "parent.py")
    assert done == (0, "used\n[]\n", "")
    assert rows(directory / "x.json") == 0


def test_a_tree_leaves_no_file_behind(directory: Path) -> None:
    """The file by which its processes know of each other goes with the root."""
    programs.recording(directory, "use.py", TENURE_OUTPUT="x.json", TMPDIR=str(directory))
    assert not list(directory.glob("tenure-*"))


def test_an_interpreter_without_the_wish_imports_nothing_of_ours() -> None:
    """Where TENURE_RECORD is not set, starting Python costs one look at the environment."""
    code = "import sys; print([name for name in sys.modules if name.startswith('tenure.')])"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    done = subprocess.run([sys.executable, "-c", code], env=kept, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_signal_reaches_a_command(directory: Path) -> None:
    """SIGTERM for `tenure run COMMAND` ends the command, and both end by it."""
    script = directory / "wait.sh"
    script.write_text(
        textwrap.dedent("""
        echo ready
        exec sleep 60
    """)
    )
    command = [sys.executable, "-m", "tenure", "run", "-o", "x.json", "sh", str(script)]
    with subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.wait(30) == -15

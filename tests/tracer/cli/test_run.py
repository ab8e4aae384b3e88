"""``tenure run`` runs a program as ``python`` does: the same output, exit code, traceback and view of itself."""

import contextlib
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.support.waiting import until_blocking
from tests.tracer.support import programs
from tests.tracer.support.exit_programs import ENDS, MODULES
from tests.tracer.support.fake_collectors import serving
from tests.tracer.support.programs import NO_ANSWER, NOWHERE

VIEW = """
import sys
print(__name__, __file__, __package__, type(__spec__).__name__, getattr(__spec__, "name", None), __doc__)
print(sys.argv, sys.path[0], sys.modules["__main__"].__dict__ is globals())
print(sorted(name for name in globals()))
print(repr(sys.stdin.read()))
"""

RUNS = {
    "a script": ["app.py", "one", "--two", "-m", "-o", "x"],
    "a script in another directory": ["inner/app.py"],
    "a directory": ["inner"],
    "a module": ["-m", "inner.app", "--collector", "x"],
    "a package": ["-m", "inner", "-m", "y"],
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    programs.write(tmp_path, app=VIEW, **{"inner/__init__": "", "inner/app": VIEW, "inner/__main__": VIEW})
    return tmp_path


@pytest.mark.parametrize("name", RUNS)
def test_a_program_sees_itself_as_without_us(name: str, directory: Path) -> None:
    """Its name, file, package, spec, arguments, import path, globals and standard input are the same."""
    arguments = RUNS[name]
    plain = programs.python(directory, *arguments, stdin="typed")
    traced = programs.tenure(directory, "run", "-o", "x.json", *arguments, stdin="typed")
    assert plain.stdout.count("\n") == 4
    assert traced == plain


def test_a_zip_file_runs(directory: Path) -> None:
    """A zip file with a __main__.py is run as python runs it."""
    with zipfile.ZipFile(directory / "app.zip", "w") as archive:
        archive.writestr("__main__.py", VIEW)
    plain = programs.python(directory, "app.zip", "one")
    assert plain.status == 0
    assert programs.tenure(directory, "run", "-o", "x.json", "app.zip", "one") == plain


@pytest.mark.parametrize("name", ["app.py", "folder", "app.zip", "-m folder", "-m space.inner", "-m inside"])
def test_whatever_is_run_is_recorded(name: str, tmp_path: Path) -> None:
    """A script, a folder, a zip file, a package by its __main__, a module of a namespace package and one in a zip."""
    source = """
        import asyncio
        class Manager:
            async def __aenter__(self): return self
            async def __aexit__(self, *details): return None
        async def main():
            async with Manager(): print(__name__)
        asyncio.run(main())
    """
    programs.write(tmp_path, **dict.fromkeys(["app", "folder/__main__", "folder/__init__", "space/inner"], source))
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as archive:
        archive.write(tmp_path / "app.py", "__main__.py")
        archive.write(tmp_path / "app.py", "inside.py")
    (tmp_path / "folder" / "__init__.py").write_text("")
    done = programs.tenure(tmp_path, "run", "-o", "x.json", *name.split(), PYTHONPATH=_with(tmp_path / "app.zip"))
    assert done == (0, "__main__\n", "")
    assert sum(len(batch.rows) for batch in programs.recorded(tmp_path / "x.json")) == 1


def _with(path: Path) -> str:
    return os.pathsep.join([str(path), os.environ.get("PYTHONPATH", "")])


def test_safe_path_stays_safe(directory: Path) -> None:
    """With -P neither the working directory nor the script's is put on the import path."""
    plain = programs.python(directory, "app.py", flags=("-P",))
    traced = programs.tenure(directory, "run", "-o", "x.json", "app.py", flags=("-P",))
    assert traced == plain


@pytest.mark.parametrize("name", ENDS)
def test_a_program_ends_as_without_us(name: str, tmp_path: Path) -> None:
    """Exit status, output and the text of the traceback are the same however a program ends."""
    programs.write(tmp_path, app=ENDS[name], **MODULES)
    (tmp_path / "null.py").write_bytes(b"async def f(m):\n    async with m: pass\n\0")
    plain = programs.python(tmp_path, "app.py")
    assert programs.tenure(tmp_path, "run", "-o", "x.json", "app.py") == plain


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_program_as_without_us(number: signal.Signals, tmp_path: Path) -> None:
    """The parent sees the same status, and what was recorded until then is readable."""
    programs.write(
        tmp_path,
        app="""
        import asyncio
        class Manager:
            async def __aenter__(self): return self
            async def __aexit__(self, *details): await asyncio.sleep(0)
        async def main():
            async with Manager():
                print("ready", flush=True)
                await asyncio.sleep(60)
        asyncio.run(main())
        """,
    )

    def heed() -> None:  # shells let what runs in the background ignore an interrupt
        signal.signal(number, signal.SIG_DFL)

    def has_rows() -> bool:
        with contextlib.suppress(OSError, IndexError, msgspec.MsgspecError):
            return bool(programs.recorded(tmp_path / "x.json")[0].rows)
        return False

    def ended(*command: str, when: Callable[[], bool] = lambda: True) -> int:
        with subprocess.Popen(
            [sys.executable, *command],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            preexec_fn=heed,  # noqa: PLW1509  # it only asks the system for something
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            until_blocking(when)
            process.send_signal(number)
            return process.wait(30)

    plain = ended("app.py")
    assert plain == -number
    assert ended("-m", "tenure", "run", "-o", "x.json", "app.py", when=has_rows) == plain
    last = programs.recorded(tmp_path / "x.json")[-1]
    assert last.final == (number is signal.SIGINT)
    assert len(programs.recorded(tmp_path / "x.json")[0].rows) == 1


def test_a_crash_leaves_what_was_flushed(tmp_path: Path) -> None:
    """After os._exit the recording is a whole document with all batches but the last moment's."""
    programs.write(
        tmp_path,
        app="""
        import asyncio, os
        class Manager:
            async def __aenter__(self): return self
            async def __aexit__(self, *details): pass
        async def main():
            async with Manager():
                await asyncio.sleep(0.5)  # several times the interval of flushing
                os._exit(9)
        asyncio.run(main())
        """,
    )
    assert programs.tenure(tmp_path, "run", "-o", "x.json", "app.py").status == 9
    batches = programs.recorded(tmp_path / "x.json")
    assert [(len(batch.rows), batch.final) for batch in batches if not batch.awaits] == [(1, False)]


def test_children_of_multiprocessing_find_the_main_module(tmp_path: Path) -> None:
    """A spawned child imports the program again by its path; functions of __main__ can be pickled to it."""
    programs.write(
        tmp_path,
        app="""
        import multiprocessing
        def double(value): return value * 2, __name__
        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(double, [1, 2]))
        """,
    )
    plain = programs.python(tmp_path, "app.py")
    assert plain.stdout == "[(2, '__mp_main__'), (4, '__mp_main__')]\n"
    done = programs.tenure(tmp_path, "run", "-o", "x.json", "app.py")
    assert (done.status, done.stdout) == (plain.status, plain.stdout)
    assert done.stderr.startswith("tenure: nothing was recorded, neither in this process nor in those that it started")


def test_a_forked_child_is_a_process_of_its_own(tmp_path: Path) -> None:
    """It has another id, ships what it does itself, and its parent's open lifecycles stay its parent's."""
    programs.write(
        tmp_path,
        app="""
        import asyncio, os, sys
        class Parents:
            async def __aenter__(self): return self
            async def __aexit__(self, *details): pass
        class Childs(Parents): pass
        async def use():
            async with Childs(): pass
        class Fork:
            def __enter__(self): return os.fork()
            def __exit__(self, *details): pass
        with Fork() as pid:
            if pid == 0:
                asyncio.run(use())
                sys.exit(0)
        os.waitpid(pid, 0)
        async def main():
            async with Parents(): pass
        asyncio.run(main())
        """,
    )
    done = programs.tenure(tmp_path, "run", "--sync", "-o", "x.json", "app.py")
    assert done == (0, "", "")
    kinds: dict[bytes, list[str]] = {}
    for batch in programs.recorded(tmp_path / "x.json"):
        held = kinds.setdefault(batch.process.id, [])
        held.extend(batch.resources[row.resource].kind for row in batch.rows)
    assert sorted(kinds.values()) == [["__main__.Childs"], ["__main__.Fork", "__main__.Parents"]]


def test_forked_workers_of_multiprocessing_ship_their_last_records(tmp_path: Path) -> None:
    """They end without the interpreter's own exit handlers; what they held last is there all the same."""
    programs.write(
        tmp_path,
        app="""
        import asyncio, multiprocessing
        class Manager:
            async def __aenter__(self): return self
            async def __aexit__(self, *details): pass
        async def use(number):
            async with Manager(): return number
        def work(number): return asyncio.run(use(number))
        context = multiprocessing.get_context("fork")
        processes = [context.Process(target=work, args=(number,)) for number in range(2)]
        for process in processes: process.start()
        for process in processes: process.join()
        print([process.exitcode for process in processes])
        """,
    )
    assert programs.tenure(tmp_path, "run", "-o", "x.json", "app.py") == (0, "[0, 0]\n", "")
    batches = programs.recorded(tmp_path / "x.json")
    assert len({batch.process.id for batch in batches if batch.rows}) == 2
    assert len({batch.process.id for batch in batches if batch.final}) == 2  # their parent held nothing


def test_without_a_collector_the_program_runs_as_if_alone(tmp_path: Path) -> None:
    """Output and exit code are the program's; one line on stderr says that nobody answers."""
    programs.write(tmp_path, app="import sys, time\nprint('out'); time.sleep(0.5); sys.exit(4)")
    started = time.monotonic()
    done = programs.tenure(tmp_path, "run", "--collector", NOWHERE, "app.py")
    assert done == (4, "out\n", NO_ANSWER)
    assert time.monotonic() - started < 5


def test_the_collector_of_the_environment_is_used(tmp_path: Path) -> None:
    """$TENURE_COLLECTOR holds for the program and its children, where no option says where to."""
    child = "import subprocess, sys\nsubprocess.run([sys.executable, 'used.py'], check=True)\n"
    used = """
        import asyncio
        async def main():
            async with asyncio.Lock(): pass
        asyncio.run(main())
    """
    programs.write(tmp_path, app=child, used=used)
    for program in ("app.py", "used.py"):
        with serving() as server:
            done = programs.tenure(tmp_path, "run", program, TENURE_COLLECTOR=server.url)
        assert done == (0, "", "")
        assert sum(len(batch.rows) for batch in server.received) == 1


def test_the_program_is_called_by_its_name_unless_it_is_given_one(tmp_path: Path) -> None:
    """--service goes before TENURE_SERVICE, OTEL_SERVICE_NAME and the name of the script or module, in this order."""
    programs.write(tmp_path, app="", **{"pkg/__init__": "", "pkg/__main__": ""})

    def service(*arguments: str, **environment: str) -> str:
        done = programs.tenure(tmp_path, "run", "-o", "x.json", *arguments, **environment)
        assert done == (0, "", "")
        return programs.recorded(tmp_path / "x.json")[-1].process.service

    assert service("app.py") == "app"
    assert service("-m", "pkg") == "pkg"
    assert service("app.py", OTEL_SERVICE_NAME="from-otel") == "from-otel"
    names = {"TENURE_SERVICE": "from-tenure", "OTEL_SERVICE_NAME": "from-otel"}
    assert service("app.py", **names) == "from-tenure"
    assert service("--service", "mine", "app.py", **names) == "mine"

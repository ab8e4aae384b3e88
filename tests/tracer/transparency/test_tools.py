"""Tools that look at running code see the same when it is recorded: coverage, debuggers, tracing, inspection."""

import dis
import importlib
import inspect
import json
import linecache
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from tests.tracer.support import programs
from tests.tracer.support.debugger_program import WORK
from tests.tracer.support.hooked_imports import hooked

from tenure import testing
from tenure._rewriting import rewriter

FORMS = {
    "as it is": lambda source: compile(source, "work.py", "exec"),
    "recorded": lambda source: rewriter.rewrite(source.encode(), "work.py"),
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    programs.write(tmp_path, work=WORK, app="import work\nwork.run()\n")
    return tmp_path


@pytest.mark.parametrize("branches", [[], ["--branch"]], ids=["lines", "branches"])
def test_coverage_is_the_same(branches: list[str], directory: Path) -> None:
    """coverage.py's whole report on a module: executed, missing and excluded lines, executed and missing branches."""
    reports = []
    for runs in ([sys.executable], [sys.executable, "-m", "tenure", "run", "-o", "x.json"]):
        for command in (
            [*runs, "-m", "coverage", "run", *branches, "--include=*/work.py", "app.py"],
            [sys.executable, "-m", "coverage", "json", "-q", "-o", "report.json"],
        ):
            subprocess.run(command, cwd=directory, check=True, timeout=60, stdout=subprocess.DEVNULL)
        reports.append(json.loads((directory / "report.json").read_text())["files"]["work.py"])
    assert reports[0] == reports[1]
    assert 0 < reports[0]["summary"]["missing_lines"] < reports[0]["summary"]["covered_lines"]
    assert sum(len(batch.rows) for batch in programs.recorded(directory / "x.json")) == 24


def test_a_breakpoint_stops_at_its_line_and_stepping_in_the_body_is_as_ever(directory: Path) -> None:
    """pdb, with a breakpoint in a block, steps in it, up to its end, and back at the caller."""
    typed = "break work.py:9\ncontinue\np number, manager\nnext\nnext\np kept\nwhere\nreturn\nnext\nquit\n"

    def session(done: programs.Done) -> list[str]:
        # What stands above the program in the stack is pdb's and runpy's way to it.
        lines = re.sub(r"0x[0-9a-f]+", "0x", done.stdout).splitlines()
        return [line for line in lines if "runpy" not in line and "tenure" not in line]

    plain = programs.python(directory, "-m", "pdb", "app.py", stdin=typed)
    traced = programs.tenure(directory, "run", "-o", "x.json", "-m", "pdb", "app.py", stdin=typed)
    assert "work.py(9)steps()" in plain.stdout
    assert session(traced) == session(plain)


def events(form: str) -> list[tuple[str, str, int]]:
    """What a trace function is told of a program: function, event, line."""
    seen: list[tuple[str, str, int]] = []

    def trace(frame: Any, event: str, _: object) -> Any:
        if frame.f_code.co_filename == "work.py":
            seen.append((frame.f_code.co_name, event, frame.f_lineno))
        return trace

    names: dict[str, Any] = {"__name__": "work"}
    exec(FORMS[form](WORK), names)
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        names["run"]()
    finally:
        sys.settrace(before)
    return seen


def test_a_trace_function_is_led_to_no_other_line() -> None:
    """It is told of the same lines in the same order, and of some statements' own lines once more."""
    plain = events("as it is")
    with testing.recorder():
        recorded = events("recorded")
    statements = {at for at, line in enumerate(WORK.splitlines(), 1) if "async with" in line or line.endswith("# item")}
    lines = [(name, line) for name, event, line in plain if event == "line"]
    more = []
    for name, event, line in recorded:
        if event == "line" and lines and lines[0] == (name, line):
            lines.pop(0)
        elif event == "line":
            more.append(line)
    assert lines == []
    assert set(more) <= statements
    calls = [[(name, event) for name, event, _ in seen if event in {"call", "return"}] for seen in (plain, recorded)]
    assert calls[0] == calls[1]


if sys.version_info >= (3, 12):

    def test_monitoring_sees_the_same_lines() -> None:
        """sys.monitoring, by which newer debuggers and coverage look: the lines of each function are the same ones."""

        def lines(form: str) -> set[tuple[str, int]]:
            seen: set[tuple[str, int]] = set()
            names: dict[str, Any] = {"__name__": "work"}
            exec(FORMS[form](WORK), names)
            tool, line = sys.monitoring.PROFILER_ID, sys.monitoring.events.LINE

            def note(code: Any, number: int) -> None:
                if code.co_filename == "work.py":
                    seen.add((code.co_name, number))

            sys.monitoring.use_tool_id(tool, "test")
            try:
                sys.monitoring.register_callback(tool, line, note)
                sys.monitoring.set_events(tool, line)
                names["run"]()
            finally:
                sys.monitoring.set_events(tool, 0)
                sys.monitoring.free_tool_id(tool)
            return seen

        plain = lines("as it is")
        with testing.recorder():
            assert lines("recorded") == plain


def test_source_text_is_shown_as_it_is(directory: Path) -> None:
    """inspect, linecache and dis go by lines: a rewritten function's source is the file's, and so are its lines."""
    source = (directory / "work.py").read_text()
    with hooked(directory):
        module = importlib.import_module("work")
        assert "@tenure_begin" in module.steps.__code__.co_names
        plain: dict[str, Any] = {"__name__": "work"}
        exec(compile(source, str(directory / "work.py"), "exec"), plain)
        for name in ("steps", "fails", "matches", "run", "Manager"):
            assert inspect.getsource(getattr(module, name)) == inspect.getsource(plain[name])
        assert inspect.getsource(module) == source
        assert "".join(linecache.getlines(module.__file__)) == source
        functions = module.steps, plain["steps"]
        lines = [{line for _, line in dis.findlinestarts(function.__code__) if line} for function in functions]
        assert lines[0] == lines[1]


def test_a_warning_names_the_same_place_and_is_given_once(directory: Path) -> None:
    """With stacklevel, from within a block: the caller's module, line and registry are the program's."""
    programs.write(
        directory,
        warns="""
            import asyncio, warnings
            class Manager:
                async def __aenter__(self): warnings.warn("entering", UserWarning, stacklevel=2)
                async def __aexit__(self, *details): pass
            def old(): warnings.warn("old", DeprecationWarning, stacklevel=2)
            async def main():
                for _ in range(3):
                    async with Manager():
                        old()
            def run(): asyncio.run(main())
        """,
    )

    def seen(module: Any) -> list[tuple[str, str, int]]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            module.run()
        assert len(module.__warningregistry__) == 3
        return [(str(warning.message), warning.filename, warning.lineno) for warning in caught]

    path = str(directory / "warns.py")
    plain = type(sys)("warns")
    exec(compile(Path(path).read_text(), path, "exec"), vars(plain))
    with hooked(directory):
        module = importlib.import_module("warns")
        assert "@tenure_begin" in module.main.__code__.co_names
        assert seen(module) == seen(plain) == [("entering", path, 9), ("old", path, 10)]


def test_a_dump_of_the_stack_shows_the_same_frames(directory: Path) -> None:
    """faulthandler, within a block."""
    programs.write(
        directory,
        dumps="""
            import asyncio, faulthandler
            from work import Manager
            async def main(file):
                async with Manager(), Manager():
                    faulthandler.dump_traceback(file, all_threads=False)
        """,
    )

    def dumped(main: Any) -> list[str]:
        with (directory / "dump").open("w+") as file:
            try:
                main = main(file)
                main.send(None)
            except StopIteration:
                pass
            file.seek(0)
            return [line for line in file.read().splitlines() if "dumps.py" in line]

    path = directory / "dumps.py"
    with hooked(directory):
        module = importlib.import_module("dumps")
        plain: dict[str, Any] = {}
        exec(compile(path.read_text(), str(path), "exec"), plain)
        assert dumped(module.main) == dumped(plain["main"]) == [f'  File "{path}", line 6 in main']

"""``tenure doctor PROGRAM``: its report, whatever the program does."""

from pathlib import Path

import pytest
from tests.tracer.support import programs
from tests.tracer.support.doctor_report import LIBRARY, OWN, examine, install, recorded
from tests.tracer.support.programs import Done


def test_all_that_the_programs_modules_enter_is_recorded_and_nothing_is_missed(tmp_path: Path) -> None:
    """The whole report of a small program, and the program's own output and exit code."""
    programs.write(tmp_path, **OWN)
    done, report = examine(tmp_path, "app.py")
    assert done == programs.python(tmp_path, "app.py")
    assert report.pop("python")
    assert report.pop("watched_by") in {"sys.monitoring", "sys.setprofile"}
    assert report.pop("probe") in {"native", "python"}
    assert report == {
        "program": "app",
        "service": "app",
        "modules": [
            {"name": "__main__", "file": str(tmp_path / "app.py"), "sites": 1, "reason": ""},
            {"name": "helper", "file": str(tmp_path / "helper.py"), "sites": 1, "reason": ""},
        ],
        "recorded": [{"type": "helper.Manager", "how": {"rewritten": 3}}],
        "missed": [],
        "left_out": [],
        "lifecycles": 3,
        "internal": 0,
        "dropped": {},
        "faults": [],
        "limits": [
            "managers whose __aenter__ is written in C, entered by code that is not rewritten",
        ],
        "processes": [],
    }


def test_the_page_goes_to_stderr_behind_what_the_program_says(tmp_path: Path) -> None:
    """Its output, its traceback and its exit code stay as they are; the page comes last."""
    programs.write(tmp_path, app=OWN["app"] + '\n        print("out")\n        raise OSError("away")\n', helper=LIBRARY)
    plain = programs.python(tmp_path, "app.py")
    done = programs.tenure(tmp_path, "doctor", "app.py")
    assert plain.status == 1
    assert (done.status, done.stdout) == (plain.status, plain.stdout)
    assert done.stderr.startswith(plain.stderr)
    page = done.stderr.removeprefix(plain.stderr).splitlines()
    assert page[0].startswith("tenure doctor: app, CPython ")
    assert page[1:] == [
        "rewritten modules: 2",
        f"       1  site in __main__, {tmp_path}/app.py",
        f"       1  site in helper, {tmp_path}/helper.py",
        "modules of the program that are not rewritten: none",
        "managers recorded: 1",
        "       3  helper.Manager (3 rewritten)",
        "managers missed: none",
        "managers left out by design: none",
        "dropped: none",
        "faults in Tenure (please report them): none",
        "not observed: 1",
        "          managers whose __aenter__ is written in C, entered by code that is not rewritten",
        "lifecycles recorded: 3; read from the buffer: 3",
    ]


def test_with_sync_plain_with_statements_are_counted_too(tmp_path: Path) -> None:
    """Of managers written in C as well, where the program's own code enters them, in a function or not."""
    programs.write(
        tmp_path,
        app="""
            import threading
            from contextlib import contextmanager

            @contextmanager
            def opened():
                yield

            def main():
                with opened(), threading.Lock():
                    pass

            with threading.Lock():
                main()
        """,
    )
    _, report = examine(tmp_path, "--sync", "app.py")
    assert recorded(report) == {"_thread.lock": {"rewritten": 2}, "__main__.opened()": {"rewritten": 1}}
    assert [entry for entry in report["missed"] if entry["file"] == str(tmp_path / "app.py")] == []


def test_a_manager_that_fails_or_is_none_is_counted_as_it_is_recorded(tmp_path: Path) -> None:
    """An ``__aenter__`` that raises was entered; a class without one was not, and Python says so."""
    programs.write(
        tmp_path,
        app="""
            import asyncio

            class Fails:
                async def __aenter__(self): raise OSError("no entry")
                async def __aexit__(self, *details): return None

            async def main():
                try:
                    async with Fails():
                        pass
                except OSError as error:
                    print(error)

            asyncio.run(main())
        """,
    )
    done, report = examine(tmp_path, "app.py")
    assert done == Done(0, "no entry\n", "")
    assert recorded(report) == {"__main__.Fails": {"rewritten": 1}}
    assert report["lifecycles"] == 1


def test_hostile_names_neither_break_the_report_nor_the_terminal(tmp_path: Path) -> None:
    """Surrogates, escape sequences and line ends are replaced, and 10 MB of a name are cut."""
    environment = install(tmp_path, helper=LIBRARY)
    programs.write(
        tmp_path,
        app="""
            import asyncio
            from helper import Manager, use
            Hostile = type("\\x1b[31m\\n" + "x" * 10_000_000, (Manager,), {"__module__": "\\ud800"})
            asyncio.run(use(Hostile()))
        """,
    )
    done, report = examine(tmp_path, "app.py", **environment)
    assert (done.status, done.stderr) == (0, "")
    assert [entry["type"] for entry in report["missed"]] == ["?.?[31m?" + "x" * (300 - len("?.?[31m?"))]


def test_threads_are_watched_too(tmp_path: Path) -> None:
    """Loops in several threads, in code that is not rewritten."""
    environment = install(tmp_path, helper=LIBRARY)
    programs.write(
        tmp_path,
        app="""
            import asyncio
            import threading
            from helper import Manager, use

            def run():
                for _ in range(50):
                    asyncio.run(use(Manager()))

            threads = [threading.Thread(target=run) for _ in range(4)]
            for thread in threads: thread.start()
            for thread in threads: thread.join()
        """,
    )
    _, report = examine(tmp_path, "app.py", **environment)
    assert [(entry["type"], entry["count"]) for entry in report["missed"]] == [("helper.Manager", 200)]


@pytest.mark.parametrize("option", ["--json", "--sync"])
def test_what_cannot_be_done_is_one_line_and_exit_code_2(option: str, tmp_path: Path) -> None:
    """A missing script, a missing folder of the report, a malformed URL: what and remedy, and no report."""
    programs.write(tmp_path, **OWN)
    assert programs.tenure(tmp_path, "doctor", option, "away.py") == Done(
        2, "", "tenure: cannot read away.py: No such file or directory (tenure doctor [options] script.py)\n"
    )
    assert programs.tenure(tmp_path, "doctor", option, "-o", "away/x", "app.py") == Done(
        2, "", f"tenure: cannot write {tmp_path}/away/x: No such file or directory (choose another -o path)\n"
    )
    assert programs.tenure(tmp_path, "doctor", option, "--collector", "gopher:x", "app.py") == Done(
        2, "", "tenure: invalid collector URL 'gopher:x' (expected, for example, http://127.0.0.1:4320)\n"
    )
    assert programs.tenure(tmp_path, "doctor", option, "-m") == Done(
        2,
        "",
        "tenure: no program given (tenure doctor [options] [(script.py | -m module | -c code | command)"
        " [arguments of the program]])\n",
    )

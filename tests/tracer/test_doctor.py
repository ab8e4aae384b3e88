"""``tenure doctor PROGRAM`` lists every manager that was entered: recorded, missed with the reason, or left out."""

import json
import os
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import pytest
from tests.tracer import programs
from tests.tracer.programs import Done

LIBRARY = """
    class Manager:
        async def __aenter__(self): return self
        async def __aexit__(self, *details): return None

    async def use(manager):
        async with manager:
            pass
"""
OWN = {
    "app": """
        import asyncio
        from helper import Manager, use

        async def main():
            async with Manager():
                pass
            await use(Manager())
            await use(Manager())

        asyncio.run(main())
    """,
    "helper": LIBRARY,
}


def examine(directory: Path, *arguments: str, **environment: str) -> tuple[Done, dict[str, Any]]:
    """Run a program under the doctor; how it ended, and the report as values."""
    done = programs.tenure(directory, "doctor", "--json", "-o", "report.json", *arguments, **environment)
    return done, json.loads((directory / "report.json").read_text())


def missed(report: dict[str, Any], part: str = "missed") -> list[str]:
    """What was missed, in one line each: count, type, place and reason."""
    return [
        f"{one['count']} {one['type']} at {Path(one['file']).name}:{one['line']} in {one['function']}: {one['reason']}"
        for one in report[part]
    ]


def recorded(report: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {one["type"]: one["how"] for one in report["recorded"]}


def install(directory: Path, **sources: str) -> dict[str, str]:
    """Put modules where installed packages lie; the environment in which they are found."""
    installed = directory / "site-packages"
    programs.write(installed, **sources)
    return {"PYTHONPATH": os.pathsep.join([str(installed), os.environ.get("PYTHONPATH", "")])}


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
        "modules": [
            {"name": "__main__", "file": str(tmp_path / "app.py"), "sites": 1, "reason": ""},
            {"name": "helper", "file": str(tmp_path / "helper.py"), "sites": 1, "reason": ""},
        ],
        "recorded": [{"type": "helper.Manager", "how": {"rewritten": 3}}],
        "missed": [],
        "left_out": [],
        "lifecycles": 3,
        "dropped": {},
        "faults": [],
        "limits": [
            "managers whose __aenter__ is written in C, where code that is not rewritten enters them",
            "other processes that the program started or forked",
        ],
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
        "modules of the program that run as they are: none",
        "managers recorded: 1",
        "       3  helper.Manager (3 rewritten)",
        "managers missed: none",
        "managers left out by design: none",
        "dropped: none",
        "faults of Tenure's (please report them): none",
        "could not be seen: 2",
        "          managers whose __aenter__ is written in C, where code that is not rewritten enters them",
        "          other processes that the program started or forked",
        "lifecycles recorded: 3, of which 3 came out of the buffer",
    ]


def test_what_an_installed_package_enters_is_missed_until_it_is_included(tmp_path: Path) -> None:
    """The reason names the package and the option, which helps."""
    environment = install(tmp_path, helper=LIBRARY)
    programs.write(tmp_path, app=OWN["app"])
    _, without = examine(tmp_path, "app.py", **environment)
    _, included = examine(tmp_path, "--include", "helper", "app.py", **environment)
    assert recorded(without) == {"helper.Manager": {"rewritten": 1}}
    assert missed(without) == [
        (
            "2 helper.Manager at helper.py:7 in use: "
            "the installed helper is not rewritten, and no adapter knows the class (--include helper)"
        )
    ]
    assert recorded(included) == {"helper.Manager": {"rewritten": 3}}
    assert missed(included) == []


def test_an_excluded_module_is_named_and_so_is_what_it_enters(tmp_path: Path) -> None:
    """Among the modules with its sites, and as the reason of each miss."""
    programs.write(tmp_path, **OWN)
    _, report = examine(tmp_path, "--exclude", "helper", "app.py")
    reason = "its module helper is excluded (--exclude)"
    assert missed(report) == [f"2 helper.Manager at helper.py:7 in use: {reason}"]
    assert [(one["name"], one["sites"], one["reason"]) for one in report["modules"]] == [
        ("__main__", 1, ""),
        ("helper", 1, reason),
    ]


def test_a_module_that_was_imported_too_early_is_named(tmp_path: Path) -> None:
    """Here the interpreter's own start imports it."""
    programs.write(tmp_path, **OWN, sitecustomize="import helper")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    _, report = examine(tmp_path, "app.py", PYTHONPATH=path)
    reason = "its module helper was imported before recording began"
    assert missed(report) == [f"2 helper.Manager at helper.py:7 in use: {reason}"]
    assert [one["reason"] for one in report["modules"]] == ["", reason]


def test_a_module_in_a_zip_file_or_beside_the_program_is_named(tmp_path: Path) -> None:
    """The one has a loader that is not Python's for source files, the other lies elsewhere."""
    program, beside = tmp_path / "program", tmp_path / "beside"
    programs.write(program, app=OWN["app"])
    programs.write(beside, helper=LIBRARY)
    with zipfile.ZipFile(program / "archive.zip", "w") as archive:
        archive.write(beside / "helper.py", "helper.py")
    given = os.environ.get("PYTHONPATH", "")
    _, zipped = examine(program, "app.py", PYTHONPATH=os.pathsep.join([str(program / "archive.zip"), given]))
    _, elsewhere = examine(program, "app.py", PYTHONPATH=os.pathsep.join([str(beside), given]))
    assert missed(zipped) == [
        (
            "2 helper.Manager at helper.py:7 in use: "
            "its module helper was loaded by zipimporter, which is not Python's for source files"
        )
    ]
    assert missed(elsewhere) == [
        (
            "2 helper.Manager at helper.py:7 in use: "
            "helper lies outside of the program's folders, and no adapter knows the class (--include helper)"
        )
    ]


def test_a_module_whose_rewriting_failed_is_named(tmp_path: Path) -> None:
    """An expression that is deeper than the rewriting can go; Python itself compiles it."""
    deep = f"DEEP = {' + '.join(['1'] * 900)}\n"
    programs.write(tmp_path, app=OWN["app"])
    (tmp_path / "helper.py").write_text(textwrap.dedent(LIBRARY) + deep)
    _, report = examine(tmp_path, "app.py")
    assert missed(report) == ["2 helper.Manager at helper.py:7 in use: rewriting helper failed there"]
    assert [(one["name"], one["reason"]) for one in report["modules"]] == [
        ("__main__", ""),
        ("helper", "rewriting helper failed there"),
    ]
    assert [one["where"] for one in report["faults"]] == [f"rewriting {tmp_path}/helper.py"]


def test_what_finds_no_room_in_the_buffer_is_missed_and_dropped(tmp_path: Path) -> None:
    """Both say how many."""
    programs.write(
        tmp_path,
        app="""
            import asyncio
            from tenure import buffer
            from helper import Manager, use

            buffer.set_limit(0)
            asyncio.run(use(Manager()))
        """,
        helper=LIBRARY,
    )
    _, report = examine(tmp_path, "app.py")
    assert missed(report) == ["1 helper.Manager at helper.py:7 in use: the buffer was full"]
    assert report["dropped"] == {"buffer full": 1}


def test_code_made_at_run_time_is_named(tmp_path: Path) -> None:
    """It has no file, so nobody could rewrite it."""
    programs.write(
        tmp_path,
        app="""
            import asyncio
            from helper import Manager
            exec("async def use(manager):\\n    async with manager: pass")
            asyncio.run(use(Manager()))
        """,
        helper=LIBRARY,
    )
    _, report = examine(tmp_path, "app.py")
    assert missed(report) == [
        "1 helper.Manager at <string>:2 in use: entered by code made at run time, <string> (tenure.track)"
    ]


def test_a_manager_entered_by_hand_is_missed(tmp_path: Path) -> None:
    """Where no adapter knows its class; a lock's is known."""
    programs.write(
        tmp_path,
        app="""
            import asyncio
            from helper import Manager

            async def main():
                for manager in (Manager(), asyncio.Lock()):
                    await manager.__aenter__()
                    await manager.__aexit__(None, None, None)

            asyncio.run(main())
        """,
        helper=LIBRARY,
    )
    _, report = examine(tmp_path, "app.py")
    assert recorded(report) == {"asyncio.locks.Lock": {"adapter": 1}}
    assert missed(report) == [
        (
            "1 helper.Manager at app.py:7 in main: "
            "it is entered by a call and not by a statement, and no adapter knows the class (tenure.track)"
        )
    ]


def test_tracked_objects_are_told_apart_from_others_of_their_class(tmp_path: Path) -> None:
    """One object was given to tenure.track, another was not; a third class is decorated."""
    environment = install(tmp_path, helper=LIBRARY)
    programs.write(
        tmp_path,
        app="""
            import asyncio
            import tenure
            from helper import Manager, use

            @tenure.tracked
            class Tracked(Manager):
                pass

            async def main():
                await use(tenure.track(Manager(), "named"))
                await use(Manager())
                await use(Tracked())

            asyncio.run(main())
        """,
    )
    _, report = examine(tmp_path, "app.py", **environment)
    assert recorded(report) == {"__main__.Tracked": {"tracked": 1}, "helper.Manager": {"tracked": 1}}
    assert missed(report) == [
        (
            "1 helper.Manager at helper.py:7 in use: "
            "tenure.track names other objects of its class (decorate the class with tenure.tracked)"
        )
    ]


def test_subclasses_aliases_and_exit_stacks_are_counted_once_each(tmp_path: Path) -> None:
    """``super().__aenter__()``, an ``__aenter__`` of another name, and a manager behind a stack or a wrapper."""
    environment = install(
        tmp_path,
        helper=LIBRARY
        + """
    from contextlib import AsyncExitStack

    class Sub(Manager):
        async def __aenter__(self): return await super().__aenter__()

    class Alias(Manager):
        async def open(self): return self
        __aenter__ = open

    class Wrapper(Manager):
        async def __aenter__(self): return await Sub().__aenter__()

    async def stack(manager):
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(manager)
""",
    )
    programs.write(
        tmp_path,
        app="""
            import asyncio
            from helper import Alias, Sub, Wrapper, stack, use

            async def main():
                await use(Sub())
                await use(Alias())
                await Alias().open()
                await stack(Sub())
                async with Wrapper():
                    pass

            asyncio.run(main())
        """,
    )
    _, report = examine(tmp_path, "app.py", **environment)
    reason = "the installed helper is not rewritten, and no adapter knows the class (--include helper)"
    assert recorded(report) == {"helper.Sub": {"adapter": 1}, "helper.Wrapper": {"rewritten": 1}}
    assert missed(report) == [
        "1 contextlib.AsyncExitStack at helper.py:23 in stack: " + reason,
        "1 helper.Alias at helper.py:7 in use: " + reason,
        "1 helper.Sub at helper.py:7 in use: " + reason,
    ]
    assert missed(report, "left_out") == [
        (
            "1 helper.Sub at helper.py:20 in Wrapper.__aenter__: "
            "it is entered within the __aenter__ of helper.Wrapper, which is recorded"
        )
    ]


def test_what_asyncio_does_within_itself_is_left_out_by_design(tmp_path: Path) -> None:
    """A barrier's condition is nothing that the program holds, and a timeout without an end holds nothing."""
    environment = install(
        tmp_path,
        helper="""
            import asyncio
            async def use():
                async with asyncio.timeout(None):
                    pass
        """,
    )
    programs.write(
        tmp_path,
        app="""
            import asyncio
            from helper import use

            async def main():
                async with asyncio.Barrier(1):
                    pass
                await use()

            asyncio.run(main())
        """,
    )
    _, report = examine(tmp_path, "app.py", **environment)
    assert recorded(report) == {"asyncio.locks.Barrier": {"rewritten": 1}}
    assert missed(report) == []
    assert [(one["type"], one["reason"]) for one in report["left_out"]] == [
        ("asyncio.locks.Condition", "asyncio uses it within itself"),
        ("asyncio.timeouts.Timeout", "its adapter leaves it out"),
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
    assert [one for one in report["missed"] if one["file"] == str(tmp_path / "app.py")] == []


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
    assert [one["type"] for one in report["missed"]] == ["?.?[31m?" + "x" * (300 - len("?.?[31m?"))]


def test_a_fault_of_ours_is_named_with_the_class_that_it_stopped(tmp_path: Path) -> None:
    """An adapter that meets what it did not expect: what it left unrecorded is missed, with that reason."""
    programs.write(
        tmp_path,
        app="""
            import asyncio
            from tenure import resources
            from helper import Manager, use

            def describe(manager, expression):
                raise LookupError("unexpected")

            resources.register(Manager, describe)
            asyncio.run(use(Manager()))
        """,
        helper=LIBRARY,
    )
    _, report = examine(tmp_path, "app.py")
    assert report["faults"] == [
        {"where": "finding the resource of a Manager", "error": "LookupError: unexpected"},
    ]
    assert missed(report) == [
        "1 helper.Manager at helper.py:7 in use: a fault of Tenure's stopped the recording of its class"
    ]
    assert report["dropped"] == {"fault": 1}


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
    assert [(one["type"], one["count"]) for one in report["missed"]] == [("helper.Manager", 200)]


@pytest.mark.parametrize("option", ["--json", "--sync"])
def test_what_cannot_be_done_is_one_line_and_exit_code_2(option: str, tmp_path: Path) -> None:
    """A missing script, a missing folder of the report, a malformed URL: what and remedy, and no report."""
    programs.write(tmp_path, **OWN)
    assert programs.tenure(tmp_path, "doctor", option, "away.py") == Done(
        2, "", "tenure: cannot read away.py: No such file or directory (tenure run [options] script.py)\n"
    )
    assert programs.tenure(tmp_path, "doctor", option, "-o", "away/x", "app.py") == Done(
        2, "", f"tenure: cannot write {tmp_path}/away/x: No such file or directory (choose another -o path)\n"
    )
    assert programs.tenure(tmp_path, "doctor", option, "--collector", "gopher:x", "app.py") == Done(
        2, "", "tenure: 'gopher:x' is no collector's URL (http://127.0.0.1:4320, say)\n"
    )
    assert programs.tenure(tmp_path, "doctor", option, "-m") == Done(
        2,
        "",
        "tenure: there is no program to run "
        "(tenure doctor [options] [(script.py | -m module) [arguments of the program]])\n",
    )

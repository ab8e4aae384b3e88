"""``tenure doctor PROGRAM`` names the modules that are not rewritten, with the reason."""

import os
import textwrap
import zipfile
from pathlib import Path

from tests.tracer.support import programs
from tests.tracer.support.doctor_report import LIBRARY, OWN, examine, install, missed, recorded


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
            "the installed helper is not rewritten, and no adapter knows the class (use --include helper)"
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
    assert [(entry["name"], entry["sites"], entry["reason"]) for entry in report["modules"]] == [
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
    assert [entry["reason"] for entry in report["modules"]] == ["", reason]


def test_a_module_beside_the_program_is_named_and_one_in_a_zip_file_is_its_own(tmp_path: Path) -> None:
    """The one lies elsewhere; the other lies in the program's folder and is rewritten as it is read."""
    program, beside = tmp_path / "program", tmp_path / "beside"
    programs.write(program, app=OWN["app"])
    programs.write(beside, helper=LIBRARY)
    with zipfile.ZipFile(program / "archive.zip", "w") as archive:
        archive.write(beside / "helper.py", "helper.py")
    given = os.environ.get("PYTHONPATH", "")
    _, zipped = examine(program, "app.py", PYTHONPATH=os.pathsep.join([str(program / "archive.zip"), given]))
    _, elsewhere = examine(program, "app.py", PYTHONPATH=os.pathsep.join([str(beside), given]))
    assert missed(zipped) == []
    assert zipped["modules"][1] == {
        "name": "helper",
        "file": str(program / "archive.zip" / "helper.py"),
        "sites": 1,
        "reason": "",
    }
    assert missed(elsewhere) == [
        (
            "2 helper.Manager at helper.py:7 in use: "
            "helper is outside the program's directories, and no adapter knows the class (use --include helper)"
        )
    ]


def test_a_module_with_a_loader_of_its_own_is_named(tmp_path: Path) -> None:
    """What is not Python's own loader for source files is left alone."""
    programs.write(
        tmp_path,
        app="""
            import importlib.machinery, sys
            class Loader(importlib.machinery.SourceFileLoader): pass
            hook = importlib.machinery.FileFinder.path_hook((Loader, [".py"]))
            sys.path_hooks.insert(0, hook)
            sys.path_importer_cache.clear()
"""
        + textwrap.indent(textwrap.dedent(OWN["app"]), " " * 12),
        helper=LIBRARY,
    )
    _, report = examine(tmp_path, "app.py")
    assert missed(report) == [
        (
            "2 helper.Manager at helper.py:7 in use: "
            "its module helper is loaded by Loader, not by Python's loader for source files"
        )
    ]


def test_a_module_whose_rewriting_failed_is_named(tmp_path: Path) -> None:
    """It runs as it is; the fault is told beside it."""
    fails = """
        from tenure._rewriting import rewriter as rewriting
        compile_tree = rewriting.compile_tree

        def fail(tree, source, file, **options):
            if file.endswith("helper.py"):
                raise LookupError("unexpected")
            return compile_tree(tree, source, file, **options)

        rewriting.compile_tree = fail
    """
    programs.write(tmp_path, fails=fails, app="import fails\n" + textwrap.dedent(OWN["app"]), helper=LIBRARY)
    _, report = examine(tmp_path, "app.py")
    assert missed(report) == ["2 helper.Manager at helper.py:7 in use: rewriting helper failed"]
    assert [(entry["name"], entry["reason"]) for entry in report["modules"]] == [
        ("__main__", ""),
        ("helper", "rewriting helper failed"),
    ]
    assert report["faults"] == [{"where": f"rewriting {tmp_path}/helper.py", "error": "LookupError: unexpected"}]


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
        "1 helper.Manager at <string>:2 in use: entered by code generated at run time, <string> (use tenure.track)"
    ]

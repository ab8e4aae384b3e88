"""Bad input is refused in one line; without the server installed, the tracer says what needs it."""

import json
from pathlib import Path

import pytest
from tests.tracer.support import programs

BAD = {
    "no program": (
        ["run"],
        (
            "no program given (tenure run [options] (script.py | -m module | -c code | command)"
            " [arguments of the program])"
        ),
    ),
    "missing script": (
        ["run", "nothing.py"],
        "cannot read nothing.py: No such file or directory (tenure run [options] script.py)",
    ),
    "unreadable script": (
        ["run", "loop.py"],
        "cannot read loop.py: Too many levels of symbolic links (tenure run [options] script.py)",
    ),
    "missing module": (["run", "-m", "nothing"], "no module named nothing (tenure run -m module)"),
    "missing module of a package": (
        ["run", "-m", "inner.nothing"],
        "no module named inner.nothing (tenure run -m module)",
    ),
    "module below a module": (
        ["run", "-m", "ast.x"],
        "no module named ast.x (tenure run -m module)",
    ),
    "package without main": (
        ["run", "-m", "empty"],
        "empty is a package without a __main__ module (tenure run -m module)",
    ),
    "directory without main": (
        ["run", "empty"],
        "cannot find a __main__ module in empty (tenure run [options] script.py)",
    ),
    "recording nowhere": (
        ["run", "-o", "nowhere/x.json", "app.py"],
        "cannot write nowhere/x.json: No such file or directory (choose another -o path)",
    ),
    "recording onto a directory": (
        ["run", "-o", "folder.json", "app.py"],
        "cannot write folder.json: Is a directory (choose another -o path)",
    ),
    "diagram nowhere": (
        ["run", "-o", "nowhere/x.mmd", "app.py"],
        "cannot write nowhere/x.mmd: No such file or directory (choose another -o path)",
    ),
    "unknown suffix": (
        ["run", "-o", "x.png", "app.py"],
        "cannot write x.png: unknown suffix '.png' (-o takes FILE.json, FILE.mmd, FILE.svg or FILE.html)",
    ),
    "collector without scheme": (
        ["run", "--collector", "localhost:4320", "app.py"],
        "invalid collector URL 'localhost:4320' (expected, for example, http://127.0.0.1:4320)",
    ),
    "collector with a bad port": (
        ["run", "--collector", "http://x:port", "app.py"],
        (
            "invalid collector URL 'http://x:***': Port could not be cast to integer value as 'port' "
            "(expected, for example, http://127.0.0.1:4320)"
        ),
    ),
    "no such command": (
        ["run", "nothing"],
        (
            "no file and no command named 'nothing' (expected a script, a directory, a zip file, -m MODULE, -c CODE,"
            " or a command on PATH)"
        ),
    ),
    "a command without children": (
        ["run", "--no-children", "sh"],
        "sh is recorded by its processes, which --no-children leaves out (omit the option)",
    ),
    "unknown command": (["walk"], "unknown command 'walk' (expected one of: run, doctor, export, serve)"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_done_is_said_in_one_line(name: str, tmp_path: Path) -> None:
    """One line with what happened and the remedy, exit code 2, no traceback, and the program does not start."""
    programs.write(tmp_path, app="print('started')", **{"inner/__init__": "", "empty/__init__": ""})
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "loop.py").symlink_to("loop.py")
    arguments, line = BAD[name]
    assert programs.tenure(tmp_path, *arguments) == (2, "", f"tenure: {line}\n")


def test_help_and_version_are_there(tmp_path: Path) -> None:
    """`tenure`, `tenure run --help` and `--version` say what there is."""
    for arguments, status in (([], 2), (["--help"], 0), (["run", "--help"], 0)):
        done = programs.tenure(tmp_path, *arguments)
        assert (done.status, done.stderr) == (status, "")
        assert "tenure run" in done.stdout
    assert programs.tenure(tmp_path, "--version").stdout.startswith("tenure ")


def test_the_tracer_works_alone(tmp_path: Path) -> None:
    """With no server, no aiohttp and no OpenTelemetry to import, it records; what needs the server says so."""
    programs.write(
        tmp_path,
        app="""
        import asyncio
        async def main():
            async with asyncio.Lock(): pass
        asyncio.run(main())
        """,
        blocked="""
        import importlib.metadata, sys
        for name in ("tenure_server", "aiohttp", "aiosqlite", "opentelemetry"):
            sys.modules[name] = None
        importlib.metadata.entry_points = lambda **wanted: ()
        from tenure.__main__ import main
        sys.exit(main())
        """,
    )
    assert programs.python(tmp_path, "blocked.py", "run", "-o", "x.json", "app.py") == (0, "", "")
    assert len(programs.recorded(tmp_path / "x.json")[0].rows) == 1
    for command in ("serve", "export"):
        assert programs.python(tmp_path, "blocked.py", command) == (
            2,
            "",
            f"tenure: `tenure {command}` needs the server, which is not installed (pip install 'tenure[server]')\n",
        )
    assert programs.python(tmp_path, "blocked.py", "run", "-o", "x.mmd", "app.py") == (
        2,
        "",
        "tenure: drawing x.mmd needs the server, which is not installed (pip install 'tenure[server]')\n",
    )


def test_importing_the_tracer_imports_nothing_but_the_standard_library_and_msgspec(tmp_path: Path) -> None:
    """What goes into a program brings nothing else with it."""
    programs.write(
        tmp_path,
        app="""
        import json, sys
        import msgspec
        before = set(sys.modules)
        import tenure, tenure.testing, tenure.cli.run
        new = {name.partition(".")[0] for name in set(sys.modules) - before}
        print(json.dumps(sorted(name for name in new - set(sys.stdlib_module_names) if "stdlib" not in name)))
        """,
    )
    done = programs.python(tmp_path, "app.py")
    assert json.loads(done.stdout) == ["tenure"]

"""An installed program is the program's own, by whatever name it is started; a library beside it is not."""

import sys
from pathlib import Path

import pytest
from tests.tracer.support import programs

from tenure.cli import installed_program

CLI = """
    import asyncio, other
    class Manager:
        async def __aenter__(self): return self
        async def __aexit__(self, *details): return None
    async def use():
        async with Manager(): await other.use()
    def main():
        asyncio.run(use())
        print("used")
"""
OTHER = """
    class Library:
        async def __aenter__(self): return self
        async def __aexit__(self, *details): return None
    async def use():
        async with Library(): pass
"""
WEB = """
    class Manager:
        async def __aenter__(self): return self
        async def __aexit__(self, *details): return None
    async def app(scope, receive, send):
        if scope["type"] == "lifespan":
            async with Manager(): raise SystemExit(3)
"""
SCRIPT = """\
#!{python}
import re
import sys
from myapp.cli import main
if __name__ == "__main__":
    sys.exit(main())
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables with which Python finds an installed package and a library beside it."""
    packages = tmp_path / "site-packages"
    sources = {"myapp/__init__": "", "myapp/cli": CLI, "myapp/web": WEB, "other": OTHER}
    programs.write(packages, **sources, **{"myapp/__main__": "from myapp.cli import main; main()"})
    script = tmp_path / "bin" / "myapp"
    script.parent.mkdir()
    script.write_text(SCRIPT.format(python=sys.executable))
    script.chmod(0o755)
    return {"PYTHONPATH": str(packages)}


def functions(recording: Path) -> list[str]:
    """Of the program's own sites."""
    return sorted(
        f"{Path(site.file).parent.name}.{site.function}"
        for batch in programs.recorded(recording)
        for site in batch.sites
        if not site.internal
    )


@pytest.mark.parametrize("command", [("-m", "myapp"), ("-m", "myapp.cli"), ("bin/myapp",)])
@pytest.mark.parametrize("by_environment", [False, True])
def test_an_installed_program_is_recorded(
    tmp_path: Path, environment: dict[str, str], command: tuple[str, ...], by_environment: bool
) -> None:
    """By `tenure run` and by the environment alone; the library's manager is the library's."""
    output = tmp_path / "x.json"
    if by_environment:
        done = programs.recording(tmp_path, *command, TENURE_OUTPUT=str(output), **environment)
    else:
        done = programs.tenure(tmp_path, "run", "-o", str(output), *command, **environment)
    is_called = command[-1] != "myapp.cli"
    assert (done.status, done.stdout) == (0, "used\n" if is_called else "")
    if is_called:
        assert functions(output) == ["myapp.use"]


def test_a_servers_target_is_the_program(tmp_path: Path, environment: dict[str, str]) -> None:
    """Not the server, which is a launcher."""
    done = programs.tenure(
        tmp_path, "run", "-o", "x.json", "uvicorn", "myapp.web:app", "--port", "0", "--lifespan", "on", **environment
    )
    assert done.status == 3
    assert functions(tmp_path / "x.json") == ["myapp.app"]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (("module", "myapp", []), ["myapp"]),
        (("module", "myapp.cli", ["-v"]), ["myapp"]),
        (("module", "asyncio", []), []),
        (("module", "missing_package", []), []),
        (("module", "uvicorn", ["myapp.web:create()", "--factory"]), ["myapp"]),
        (("module", "celery", ["-A", "myapp.tasks", "worker"]), ["myapp"]),
        (("module", "celery", ["--app=myapp", "worker"]), ["myapp"]),
        (("module", "arq", ["myapp.worker.Settings"]), ["myapp"]),
        (("module", "pytest", ["--pyargs", "myapp", "-k", "other"]), ["myapp"]),
        (("module", "uvicorn", ["uvicorn:app", "json:app", "-A", "a b"]), []),
        (("command", "import myapp", []), []),
        (("script", "bin/myapp", []), ["myapp"]),
        (("script", "bin/missing", []), []),
        (("script", "site-packages/myapp/cli.py", []), []),
    ],
)
def test_which_packages_a_start_names(
    tmp_path: Path,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    start: tuple[str, str, list[str]],
    expected: list[str],
) -> None:
    """Only those that are there and installed."""
    monkeypatch.syspath_prepend(environment["PYTHONPATH"])
    monkeypatch.chdir(tmp_path)
    assert installed_program.packages(*start) == expected

"""What is typed after ``tenure.install()`` is recorded: at prompts in Python, and in cells of IPython."""

import os
import select
import sys
import time
from pathlib import Path

import pytest
from tests.tracer.support import programs
from tests.tracer.support.fake_collectors import Server, serving

Place = tuple[str, int, str, str]  # file, line, function, expression

MANAGER = """
class M:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): pass
"""
CELLS = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in sys.argv[1:]:
    shell.run_cell(cell, store_history=True).raise_error()
"""
LATER = """
async def use():
    async with M() as m, M():
        return m
await use()
async with M():
    pass
"""
BEGINNINGS = ["%load_ext tenure", "import tenure; tenure.install()"]


def places(server: Server) -> list[Place]:
    """Where the lifecycles begin that came to this collector, each once."""
    seen = {}
    for batch in server.received:
        for row in batch.rows:
            site = batch.sites[row.site]
            seen[row.id] = (site.file, site.line, site.function, site.expression)
    return [seen[number] for number in sorted(seen)]


def in_ipython(directory: Path, *cells: str, **environment: str) -> tuple[programs.Done, list[Place]]:
    """How a program ends that runs these cells, and where the lifecycles of it begin."""
    programs.write(directory, cells=CELLS)
    options = {"IPYTHONDIR": str(directory / "ipython"), **environment}
    with serving() as server:
        done = programs.python(directory, "cells.py", *cells, TENURE_COLLECTOR=server.url, **options)
    return done, [(file.rpartition("-")[0], *place) for file, *place in places(server)]


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_later_cells_are_recorded(beginning: str, tmp_path: Path) -> None:
    """Each ``async with`` has the name of its cell, the line and the source text; what was defined before has none."""
    done, recorded = in_ipython(tmp_path, MANAGER, beginning, LATER)
    assert (done.status, done.stderr) == (0, "")
    cell = "<ipython-input-3"
    assert recorded == [(cell, 2, "use", "M()"), (cell, 2, "use", "M()"), (cell, 5, "<module>", "M()")]


@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_the_rest_of_the_cell_is_recorded(beginning: str, tmp_path: Path) -> None:
    """IPython compiles the statements of a cell one after another."""
    done, recorded = in_ipython(tmp_path, MANAGER, beginning + LATER)
    assert (done.status, done.stderr) == (0, "")
    assert [place[1:] for place in recorded] == [(3, "use", "M()"), (3, "use", "M()"), (6, "<module>", "M()")]


def test_an_extension_is_unloaded(tmp_path: Path) -> None:
    """What follows is not recorded, and what was rewritten runs as before."""
    cells = [MANAGER, BEGINNINGS[0], LATER, "%unload_ext tenure", "await use()"]
    done, recorded = in_ipython(tmp_path, *cells)
    assert (done.status, done.stderr) == (0, "")
    assert len(recorded) == 3


def test_cells_of_a_recorded_process_are_recorded(tmp_path: Path) -> None:
    """By TENURE_RECORD=1 there is nothing to load, and loading it changes nothing."""
    done, recorded = in_ipython(tmp_path, MANAGER, BEGINNINGS[0], LATER, TENURE_RECORD="1")
    assert (done.status, done.stderr) == (0, "")
    assert len(recorded) == 3


@pytest.mark.parametrize("cell", ["1 is 1", "async with", "async with M() as m: 1 is 1\nm.missing", "x = = 1"])
def test_ipython_prints_as_without_us(cell: str, tmp_path: Path) -> None:
    """Warnings are printed once, and errors have no frame of Tenure."""
    programs.write(tmp_path, cells=CELLS.replace(".raise_error()", ""))
    environment = {"IPYTHONDIR": str(tmp_path / "ipython"), "TENURE_COLLECTOR": programs.NOWHERE}
    plain = programs.python(tmp_path, "cells.py", MANAGER, "0", cell, **environment)
    with serving() as server:
        environment["TENURE_COLLECTOR"] = server.url
        recorded = programs.python(
            tmp_path, "cells.py", MANAGER, "import tenure; tenure.install()", cell, **environment
        )
    assert recorded.stdout.replace("0x", "") == plain.stdout.replace("Out[2]: 0\n", "")
    assert recorded.stderr == plain.stderr


def test_the_options_of_the_extension_come_from_the_environment(tmp_path: Path) -> None:
    """TENURE_OUTPUT is the file of the recording; an invalid value costs one line."""
    done, _ = in_ipython(tmp_path, MANAGER, BEGINNINGS[0], LATER, TENURE_OUTPUT="out.json", TENURE_SERVICE="study")
    assert done.status == 0
    batches = programs.recorded(tmp_path / "out.json")
    assert {batch.process.service for batch in batches} == {"study"}
    assert sum(len(batch.rows) for batch in batches) >= 3
    done, recorded = in_ipython(tmp_path, MANAGER, BEGINNINGS[0], LATER, TENURE_OUTPUT="out.txt")
    assert (done.status, recorded) == (0, [])
    assert done.stderr.count("\n") == 1
    assert "(this process is not recorded)" in done.stderr


def test_asyncios_prompt(tmp_path: Path) -> None:
    """``python -m asyncio``: each statement is one text; what it prints is as without us."""
    lines = [
        "import asyncio, tenure; lock = asyncio.Lock()",
        "tenure.install()",
        "async with lock: print(1 is 1)",
        "",
        "",
    ]
    with serving() as server:
        done = programs.python(tmp_path, "-m", "asyncio", stdin="\n".join(lines), TENURE_COLLECTOR=server.url)
    lines[1] = "0 and 0 or None"
    plain = programs.python(tmp_path, "-m", "asyncio", stdin="\n".join(lines))
    assert done == plain
    assert [place[1:] for place in places(server)] == [(1, "<module>", "lock")]


def test_pythons_own_prompt(tmp_path: Path) -> None:
    """Since 3.13 it is recorded; before, one line says what is."""
    lines = ["import asyncio, tenure; lock = asyncio.Lock()", "tenure.install()", "async def use():"]
    lines += ["    async with lock: pass", "", "asyncio.run(use())", "exit()"]
    with serving() as server:
        printed = typed(tmp_path, lines, TENURE_COLLECTOR=server.url)
    if sys.version_info >= (3, 13):
        assert [place[1:] for place in places(server)] == [(2, "use", "lock")]
        assert "tenure:" not in printed
    else:
        assert [place[1:3] for place in places(server)] == [(2, "use")]  # as the adapter of the lock sees it
        assert printed.count("tenure: statements typed at this prompt are not rewritten") == 1


def typed(directory: Path, lines: list[str], **environment: str) -> str:
    """What Python's own prompt prints in a terminal where these lines are typed."""
    import pty  # noqa: PLC0415  # Windows has none

    child, terminal = pty.fork()
    if child == 0:
        os.chdir(directory)
        os.execve(sys.executable, [sys.executable, "-q"], {**os.environ, "TERM": "dumb", **environment})
    output = b""
    deadline = time.monotonic() + 30
    try:
        for line in [*lines, ""]:
            while not output.endswith((b">>> ", b"... ", b"...     ")) and time.monotonic() < deadline:
                if not select.select([terminal], [], [], 0.1)[0]:
                    continue
                try:
                    output += os.read(terminal, 65_536)
                except OSError:  # it has ended
                    return output.decode(errors="replace")
            os.write(terminal, line.encode() + b"\n")
            output += b"\n"
    finally:
        os.close(terminal)
        os.waitpid(child, 0)
    return output.decode(errors="replace")

"""``tenure.install()`` records the file that calls it: what it has defined already, and what follows."""

from pathlib import Path

import pytest
from tests.tracer.support import programs
from tests.tracer.support.fake_collectors import serving

from tenure import wire

MANAGER = """
import asyncio, tenure
class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): return None
"""
PROGRAMS = {
    "what follows": """
tenure.install()
async def main():
    async with Manager(): pass
asyncio.run(main())
""",
    "what stands before": """
async def main():
    async with Manager(): pass
tenure.install()
asyncio.run(main())
""",
    "under the usual condition": """
async def main():
    async with Manager(): pass
if __name__ == "__main__":
    tenure.install()
    asyncio.run(main())
""",
    "from a function, with functions within": """
def run():
    tenure.install()
    async def inner():
        async with Manager(): pass
    async def main():
        await inner()
    asyncio.run(main())
run()
""",
    "methods, closures and what a decorator holds": """
import functools
def keep(function):
    @functools.wraps(function)
    async def kept(*arguments): return await function(*arguments)
    return kept
class Early:
    @keep
    async def use(self):
        async with Manager(): pass
tenure.install()
class Late(Early):
    async def use(self):
        await super().use()
        async with Manager(): pass
asyncio.run(Late().use())
""",
}
COUNTS = dict.fromkeys(PROGRAMS, 1) | {"methods, closures and what a decorator holds": 2}


def run(directory: Path, *arguments: str, stdin: str = "") -> tuple[programs.Done, list[wire.Row]]:
    """How the program ends that ships to a collector, and the rows that came there."""
    with serving() as server:
        done = programs.python(directory, *arguments, stdin=stdin, TENURE_COLLECTOR=server.url)
    rows = [row for batch in server.received for row in batch.rows]
    return done, [row for row in rows if row.release_ns != wire.NOT_REACHED]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_file_that_installs_is_recorded(name: str, tmp_path: Path) -> None:
    """As a script, as a module, as a command, and as a module that the program imports."""
    programs.write(tmp_path, app=MANAGER + PROGRAMS[name], other="import app")
    commands = [["app.py"], ["-m", "app"], ["-c", MANAGER + PROGRAMS[name]]]
    if "__name__" not in PROGRAMS[name]:
        commands.append(["other.py"])
    for arguments in commands:
        done, rows = run(tmp_path, *arguments)
        assert done == (0, "", "")
        assert len(rows) == COUNTS[name]


def test_a_file_that_was_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    """Code of another text is not put in place; one line says so, and the program runs as ever."""
    source = MANAGER + "open(__file__, 'a').write('\\nprint(1)\\n')" + PROGRAMS["what follows"] + "print('ran')\n"
    programs.write(tmp_path, app=source)
    done, rows = run(tmp_path, "app.py")
    assert (done.status, done.stdout, rows) == (0, "ran\n", [])
    assert done.stderr.count("\n") == 1
    assert "app.py is not what runs" in done.stderr
    assert "tenure run" in done.stderr


def test_a_file_without_its_source_says_so(tmp_path: Path) -> None:
    """Code that was made at run time has no source to read."""
    programs.write(tmp_path, app=f"exec(compile({MANAGER + PROGRAMS['what follows']!r}, 'gone.py', 'exec'))")
    done, rows = run(tmp_path, "app.py")
    assert (done.status, rows) == (0, [])
    assert "the source of gone.py is not there" in done.stderr


def test_installing_again_records_as_before(tmp_path: Path) -> None:
    """After ``uninstall`` the code that was exchanged stays, and the next ``install`` finds it as it is."""
    programs.write(
        tmp_path,
        app=MANAGER
        + """
async def main():
    async with Manager(): pass
for _ in range(2):
    tenure.install()
    asyncio.run(main())
    tenure.uninstall()
""",
    )
    done, rows = run(tmp_path, "app.py")
    assert done == (0, "", "")
    assert len(rows) == 2

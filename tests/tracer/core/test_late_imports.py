"""What is imported when the first batch is shipped: as if at the start, whatever the program has made of its path."""

from pathlib import Path

import pytest
from tests.tracer.support import programs
from tests.tracer.support.fake_collectors import serving

PROGRAM = """
import asyncio, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        print("asked", name)
class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): return None
async def main():
    async with Manager(): pass
asyncio.run(main())
sys.meta_path.insert(0, Finder())
{changes}
"""
CHANGES = {
    "modules of the program's own with names of the standard library": "",
    "no path at all": "sys.path.clear()",
    "another folder": "import os; os.chdir('/')",
}


@pytest.mark.parametrize("changes", CHANGES)
def test_the_program_has_no_part_in_what_shipping_imports(changes: str, tmp_path: Path) -> None:
    """Its modules are not executed, its finders are not asked, and the lifecycle arrives."""
    modules = ("email", "http", "json", "decimal", "uuid", "msgspec", "random")
    programs.write(tmp_path, app=PROGRAM.format(changes=CHANGES[changes]), **dict.fromkeys(modules, "print('mine')"))
    with serving() as server:
        done = programs.recording(tmp_path, "app.py", TENURE_COLLECTOR=server.url)
    assert done == (0, "", "")
    assert sum(len(batch.rows) for batch in server.received) >= 1


def test_a_process_that_records_nothing_does_without(tmp_path: Path) -> None:
    """The child of a recorded process imports neither msgspec nor an HTTP client."""
    tree = tmp_path / "tree"
    tree.touch()
    source = "import sys; print(sorted({'msgspec', 'http.client', 'tenure.wire', 'argparse'} & set(sys.modules)))"
    done = programs.recording(tmp_path, "-c", source, TENURE_COLLECTOR=programs.NOWHERE, TENURE_TREE=f"1:{tree}")
    assert done == (0, "[]\n", "")

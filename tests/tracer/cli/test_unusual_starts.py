"""Programs that are started in unusual ways are recorded, and run as without Tenure."""

from pathlib import Path

import pytest
from tests.tracer.support import programs

USE = """
    import asyncio
    async def main():
        async with asyncio.Lock(): print("used")
    if __name__ == "__main__": asyncio.run(main())
"""
PARENT = """
    import os, subprocess, sys
    os.chdir("other")
    for directory in (".", ".."):
        subprocess.run([sys.executable, "use.py"], cwd=directory)
"""


@pytest.mark.parametrize("name", ["x.json", "y.mmd"])
def test_a_relative_output_is_one_file_for_all_directories(name: str, tmp_path: Path) -> None:
    """$TENURE_OUTPUT counts from the directory of the root, for children in other directories too."""
    programs.write(tmp_path, parent=PARENT, use=USE, **{"other/use": USE})
    done = programs.recording(tmp_path, "parent.py", TENURE_OUTPUT=name)
    assert done == (0, "used\nused\n", "")
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob(f"{name}*")] == [Path(name)]
    if name == "x.json":
        assert sum(len(batch.rows) for batch in programs.recorded(tmp_path / name)) == 2
    else:
        assert (tmp_path / name).read_text().count("->>+") == 2


def test_an_interpreter_without_standard_input_ends_as_without_us(tmp_path: Path) -> None:
    """Python without arguments, whose standard input is closed, ends at once, with no line of Tenure."""
    code = "import os, sys; os.close(0); os.execv(sys.executable, [sys.executable])"
    assert programs.recording(tmp_path, "-c", code, TENURE_OUTPUT="x.json") == (0, "", "")

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


@pytest.mark.parametrize("way", ["a script", "a module", "a command", "tenure run"])
def test_the_programs_own_modules_come_before_the_standard_librarys(way: str, tmp_path: Path) -> None:
    """A module beside the script is imported by its name, though Tenure has imported another of that name."""
    names = "argparse", "bisect", "calendar", "csv", "email", "hashlib", "random", "shutil", "tempfile", "zipfile"
    code = (
        f"import {', '.join(names)}, asyncio, json\nasync def main():\n    async with asyncio.Lock(): print('used')\n"
    )
    code += f"print([module.__file__ for module in ({', '.join(names)})], json.MINE)\nasyncio.run(main())\n"
    programs.write(tmp_path, app=code, **dict.fromkeys(names, "MINE = 1\n"), **{"json/__init__": "MINE = 2\n"})
    if way == "tenure run":
        inner = tmp_path / "inner"  # `python -m tenure` takes the modules of its own directory
        inner.mkdir()
        plain = programs.python(inner, "../app.py")
        recorded = programs.tenure(inner, "run", "-o", "../x.json", "../app.py")
    else:
        arguments = {"a module": ["-m", "app"], "a command": ["-c", code]}.get(way, ["app.py"])
        plain = programs.python(tmp_path, *arguments)
        recorded = programs.recording(tmp_path, *arguments, TENURE_OUTPUT="x.json")
    assert plain.status == 0
    assert recorded == plain
    assert sum(len(batch.rows) for batch in programs.recorded(tmp_path / "x.json")) == 1

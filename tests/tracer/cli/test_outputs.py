"""``tenure run -o`` for FILE.mmd, FILE.svg and FILE.html: what they hold, and what happens where they cannot."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.tracer.support import programs

KINDS = """
    import asyncio, sys
    class Kind:
        async def __aenter__(self): pass
        async def __aexit__(self, *exc_info): pass
    async def main():
        for number in range(int(sys.argv[1])):
            async with type(f"Kind{number}", (Kind,), {})(): pass
    asyncio.run(main())
    print("done")
    sys.exit(3)
"""


def test_a_diagram_that_leaves_lifecycles_out_keeps_its_recording(tmp_path: Path) -> None:
    """The command that the file and stderr name gets them; the exit code is the program's."""
    programs.write(tmp_path, app=KINDS)
    done = programs.tenure(tmp_path, "run", "-o", "x.mmd", "app.py", "400")
    assert (done.status, done.stdout) == (3, "done\n")
    said = re.fullmatch(
        r"tenure: \S+/x\.mmd leaves out (\d+) of 400 lifecycles"
        r" \(to get them: (tenure export \S+ --to html) or tenure export \S+ --to mermaid --trace ID\)\n",
        done.stderr,
    )
    assert said is not None
    text = (tmp_path / "x.mmd").read_text()
    assert re.match(r'---\ntitle: "app #\d+, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d( to \d\d:\d\d:\d\d)? UTC"\n---\n', text)
    assert len(text) <= 50_000
    assert f"more steps follow, of {said[1]}<br/>lifecycles<br/>tenure export x.mmd.recording.json --to html" in text
    assert sum(len(batch.rows) for batch in programs.recorded(tmp_path / "x.mmd.recording.json")) >= 400
    whole = programs.tenure(tmp_path, *said[2].split()[1:], "--strict", "-o", "all.html")
    assert (whole.status, "leaves out" in whole.stderr) == (0, False)


@pytest.mark.parametrize("name", ["x.mmd", "x.svg", "x.html"])
def test_a_diagram_of_everything_leaves_no_recording(tmp_path: Path, name: str) -> None:
    """Also of a program that holds nothing."""
    programs.write(tmp_path, app=KINDS)
    for count in ("0", "5"):
        done = programs.tenure(tmp_path, "run", "-o", name, "app.py", count)
        assert (done.status, done.stdout, done.stderr) == (3, "done\n", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["app.py", name]


@pytest.mark.parametrize("name", ["x.mmd", "x.svg", "x.html"])
def test_where_a_diagram_cannot_be_written_the_recording_stays(tmp_path: Path, name: str) -> None:
    """One line says why, one how to draw it later; the exit code is the program's."""
    programs.write(tmp_path, app=f"import os\nos.mkdir({name!r})\n" + KINDS.replace("\n    ", "\n"))
    done = programs.tenure(tmp_path, "run", "-o", name, "app.py", "1")
    assert (done.status, done.stdout) == (3, "done\n")
    path, to = tmp_path / name, {"x.mmd": "mermaid", "x.svg": "svg", "x.html": "html"}[name]
    recording = f"{path}.recording.json"
    assert done.stderr == (
        f"tenure: cannot write {path}: Is a directory (choose another -o path)\n"
        f"tenure: {path} was not drawn; the records are in {recording} (tenure export {recording} --to {to})\n"
    )
    assert sum(len(batch.rows) for batch in programs.recorded(Path(recording))) >= 1

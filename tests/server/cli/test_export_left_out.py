"""What ``tenure export`` holds, leaves out, and says of it."""

from __future__ import annotations

import asyncio
import base64
import gzip
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests.server.support.batches import Program
from tests.server.support.collector import Collector
from tests.server.support.recordings import recording

from tenure_server.cli import export
from tenure_server.offline.archive import Archive, gathering


def locks(count: int) -> Program:
    """Nothing in it repeats."""
    program = Program()
    for number in range(count):
        program.use("main", f"Lock {number}", acquire=number, wait=0, hold=0, release=0)
    return program


def requests(count: int) -> Program:
    """Tasks that no task created, and that do the same."""
    program = Program()
    for number in range(count):
        name = f"GET /orders-{number}"
        program.task(name, created=number, finished=number + 0.9)
        request = program.use(name, "Request orders", acquire=number, wait=0, hold=0.8, release=0)
        program.use(name, "Pool orders", acquire=number + 0.1, wait=0, hold=0.5, release=0, parent=request)
    return program


def test_a_diagram_says_what_it_leaves_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the file and on stderr, with the number and the way to it; --strict answers it by the exit code."""
    program = locks(600)
    source = recording(tmp_path / "a b.json", program.batch(final=True))
    output = tmp_path / "x.mmd"
    assert export.main([str(source), "--to", "mermaid", "--strict", "-o", str(output)]) == 3
    said = re.fullmatch(
        rf"tenure: {output} leaves out (\d+) of 600 lifecycles \(to get them: tenure export '{source}' --to html"
        rf" or tenure export '{source}' --to mermaid --trace ID\)\n",
        capsys.readouterr().err,
    )
    assert said is not None
    text = output.read_text()
    assert len(text) <= 50_000
    drawn = len(re.findall(r"__aenter__", text))
    assert int(said[1]) == 600 - drawn
    note = re.search(r"Note over p1: (.+)", text.replace("#39;", "'").replace("<br/>", " "))
    assert note is not None
    assert re.fullmatch(
        rf"\d+ more steps follow, of {said[1]} lifecycles tenure export 'a b\.json' --to html"
        rf" tenure export 'a b\.json' --to mermaid --trace ID",
        note[1],
    )
    assert export.main([str(source), "--to", "mermaid", "-o", str(output)]) == 0
    assert capsys.readouterr().err == said[0]
    assert export.main([str(source), "--to", "mermaid", "--strict", "--trace", program.trace_id(1)]) == 0
    assert export.main([str(source), "--to", "html", "--strict", "-o", str(tmp_path / "x.html")]) == 0
    assert "leaves out" not in capsys.readouterr().err


async def test_what_would_not_fit_is_folded_further(
    tmp_path: Path, collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    """Requests are tasks that nobody in the diagram created: 600 of a kind are one par, and nothing is left out."""
    program = requests(600)
    batch = program.batch(final=True)
    source = recording(tmp_path / "run.json", batch)
    await collector.post(batch)
    texts = []
    for place in (str(source), collector.url):
        assert await asyncio.to_thread(export.main, [place, "--to", "mermaid", "--strict"]) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        texts.append(captured.out)
    assert texts[0] == texts[1] == await collector.answer("/api/diagram?format=mermaid")
    assert "par 600 x GET /orders (each p50 0.8 ms, p95 0.8 ms)" in texts[0]
    few = recording(tmp_path / "few.json", requests(6).batch(final=True))
    assert await asyncio.to_thread(export.main, [str(few), "--to", "mermaid"]) == 0
    assert " par " not in capsys.readouterr().out


@pytest.mark.parametrize("to", ["mermaid", "html"])
def test_of_more_than_20_000_lifecycles_the_newest_are_held(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, to: str
) -> None:
    """A loop of them is one fold; the others are counted, in the file too."""
    monkeypatch.setattr(gathering, "MAX_PAGE_SUBJECTS", 1)  # the other diagrams of the page take their time
    program, batches = Program(), []
    for number in range(20_007):
        program.use("main", "Lock stock", acquire=number, wait=0, hold=0.5, release=0)
        if number % 5_000 == 0:
            batches.append(program.batch())
    source = recording(tmp_path / "run.json", *batches, program.batch(final=True))
    output = tmp_path / f"x.{to}"
    assert export.main([str(source), "--to", to, "-o", str(output)]) == 0
    assert f"{output} leaves out 7 of 20007 lifecycles (to get them: tenure export {source} " in capsys.readouterr().err
    if to == "mermaid":
        assert "loop 20000 times" in output.read_text()
        assert "Note over p1: 7 earlier lifecycles are left<br/>out<br/>tenure export run.json" in output.read_text()
    else:
        data = re.search(r'id="archive">([^<]*)<', output.read_text())
        assert data is not None
        archive = msgspec.json.decode(gzip.decompress(base64.b64decode(data[1])), type=Archive)
        assert [lifecycle.id for lifecycle in archive.lifecycles] == [program.id(n) for n in range(8, 20_008)]
        assert (archive.lifecycles_left_out, archive.remedy) == (7, "tenure export run.json --to html --trace ID")


@pytest.mark.parametrize("to", ["mermaid", "html"])
def test_a_recording_without_lifecycles_is_no_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], to: str
) -> None:
    """Nothing was held, and that is said."""
    output = tmp_path / "x"
    for source in (recording(tmp_path / "a.json"), recording(tmp_path / "b.json", Program().batch(final=True))):
        assert export.main([str(source), "--to", to, "--strict", "-o", str(output)]) == 0
        assert capsys.readouterr().err == ""
        assert to == "html" or "nothing was held" in output.read_text()


def test_a_full_disk_is_one_line_and_leaves_no_part_of_a_file(tmp_path: Path) -> None:
    """What stood there before stays."""
    source = recording(tmp_path / "run.json", locks(2_000).batch(final=True))
    output = tmp_path / "x.html"
    output.write_text("before")
    command = f"ulimit -f 20; exec {sys.executable} -m tenure export {source} --to html -o {output}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == f"tenure: cannot write {output}: File too large (choose another -o path)"
    assert output.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.json", "x.html"]

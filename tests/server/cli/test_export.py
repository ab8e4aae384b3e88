"""``tenure export`` on the command line."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.server.support.batches import Program
from tests.server.support.collector import Collector, collecting
from tests.server.support.recordings import recording
from tests.server.support.textbook import TEXTBOOK, textbook

from tenure_server.cli import export


def test_a_recording_is_exported_as_mermaid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """To standard output, or to a file; a trace alone where it is asked for."""
    program = textbook()
    source = recording(tmp_path / "run.json", program.batch(final=True))

    assert export.main([str(source), "--to", "mermaid"]) == 0
    assert capsys.readouterr() == (TEXTBOOK, "")
    output = tmp_path / "run.mmd"
    assert export.main([str(source), "--to", "mermaid", "--trace", program.trace_id(1), "-o", str(output)]) == 0
    assert output.read_text(encoding="utf-8") == TEXTBOOK


async def test_a_recording_and_a_collector_give_the_same_json(
    tmp_path: Path, collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lifecycles, oldest first, as the API has them, and the steps of their diagram."""
    program = textbook()
    program.use("other", "Pool orders", acquire=5, wait=1, hold=1, release=1)
    batch = program.batch(final=True)
    source = recording(tmp_path / "run.json", batch)
    await collector.post(batch)

    assert await asyncio.to_thread(export.main, [str(source), "--to", "json"]) == 0
    from_recording = json.loads(capsys.readouterr().out)
    assert await asyncio.to_thread(export.main, [collector.url, "--to", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == from_recording
    assert from_recording == {
        "lifecycles": (await collector.answer("/api/lifecycles"))["items"][::-1],
        **(await collector.answer("/api/diagram")),
    }
    assert await asyncio.to_thread(export.main, [collector.url, "--to", "mermaid", "--trace", program.trace_id(1)]) == 0
    assert capsys.readouterr().out == TEXTBOOK


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_recording_cut_off_in_its_last_batch_is_used_as_far_as_it_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cut: int
) -> None:
    """The program was killed while it wrote: that is said, and what is whole is drawn."""
    program = textbook()
    first = program.batch(final=True)
    program.use("main", "Lock stock", acquire=9_000, wait=1, hold=1, release=1)
    source = recording(tmp_path / "run.json", first, program.batch(), tail="")
    source.write_text(source.read_text()[:-cut])

    assert export.main([str(source), "--to", "mermaid"]) == 0
    captured = capsys.readouterr()
    assert captured.out == TEXTBOOK
    assert captured.err.startswith(f"tenure: {source} is incomplete: batch 2 is cut off: ")
    assert captured.err.endswith("; the complete batches are used\n")


def test_a_recording_whose_end_alone_is_missing_loses_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All batches are there."""
    source = recording(tmp_path / "run.json", textbook().batch(final=True), tail="")
    assert export.main([str(source), "--to", "mermaid"]) == 0
    assert capsys.readouterr() == (
        TEXTBOOK, f"tenure: {source} is incomplete: it ends before its last batch; the complete batches are used\n",
    )  # fmt: skip


def test_what_a_program_held_when_it_was_killed_is_abandoned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It wrote no goodbye and nothing since: it does not hold any more."""
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1)
    source = recording(tmp_path / "run.json", program.batch())
    os.utime(source, (1_700_000_100, 1_700_000_100))
    assert export.main([str(source), "--to", "mermaid"]) == 0
    assert "abandoned" in capsys.readouterr().out
    os.utime(source)  # written this moment: it may well go on
    assert export.main([str(source), "--to", "mermaid"]) == 0
    assert "still held" in capsys.readouterr().out


async def test_export_that_cannot_be_made_says_so_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], unused_tcp_port: int
) -> None:
    """Exit code 2, what and the remedy, no traceback."""
    good = recording(tmp_path / "run.json", textbook().batch())
    (tmp_path / "notes.txt").write_text("remember the milk")
    damaged = tmp_path / "damaged.json"
    damaged.write_text('{"tenure": 1, "batches": [{"version": 1}]}')
    later = tmp_path / "later.json"
    later.write_text('{"tenure": 2, "batches": []}')
    trace = Program().trace_id(1)
    cases = {
        (str(tmp_path / "none.json"),): "none.json: No such file or directory (give a recording or a collector's URL)",
        (str(tmp_path),): "Is a directory",
        (str(tmp_path / "notes.txt"),): "notes.txt is not a recording (make one with `tenure run -o FILE.json`)",
        (str(damaged),): "batch 1 of",
        (str(later),): "is a recording of version 2, this program reads version 1 (update tenure-server)",
        (str(good), "--trace", "nobody"): f"trace 'nobody' is not in {good} (known traces: {trace} main: Lock stock)",
        (str(good), "-o", str(tmp_path / "no" / "x.mmd")): "No such file or directory (choose another -o path",
        (f"http://127.0.0.1:{unused_tcp_port}",): "does not answer",
        ("http://",): "does not answer",
    }  # fmt: skip
    for arguments, expected in cases.items():
        assert await asyncio.to_thread(export.main, [*arguments, "--to", "mermaid"]) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        assert re.fullmatch(r"tenure: .+ \(.+\)\n", captured.err), captured.err
        assert expected in captured.err


async def test_export_from_a_collector_passes_on_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    """Its problem's own sentence, and the status."""
    async with collecting() as collector:
        assert await asyncio.to_thread(export.main, [collector.url, "--to", "mermaid", "--trace", "nobody"]) == 2
        assert capsys.readouterr().err == (
            f"tenure: collector at {collector.url} answered 404: no trace 'nobody' is stored\n"
        )


def test_who_reads_only_the_beginning_hears_no_complaint(tmp_path: Path) -> None:
    """``tenure export ... | head`` ends well; where the output cannot take it, that is one line and exit code 2."""
    program = Program()
    for number in range(4_000):
        program.use("main", "Lock stock", acquire=number, wait=0, hold=0, release=0, line=number)
    source = recording(tmp_path / "run.json", program.batch(final=True))
    command = f"{sys.executable} -m tenure export {source} --to json"
    read = f"{command} | head -c 10; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", read], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, '{"lifecycl', "")
    if Path("/dev/full").exists():
        done = subprocess.run(["sh", "-c", f"{command} > /dev/full"], capture_output=True, text=True, check=False)
        said = "tenure: cannot write to standard output: No space left on device (write to a file with -o)\n"
        assert (done.returncode, done.stderr) == (2, said)


def test_the_types_of_participants_are_in_dialect_12(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The default is plain, which older versions of Mermaid read. Only Mermaid text has dialects."""
    source = str(recording(tmp_path / "run.json", textbook().batch(final=True)))
    typed = TEXTBOOK.replace("p2 as", 'p2@{ "type": "control" } as')
    for dialect, expected in {"plain": TEXTBOOK, "12": typed}.items():
        assert export.main([source, "--to", "mermaid", "--dialect", dialect]) == 0
        assert capsys.readouterr() == (expected, "")
    for arguments in (["--to", "json", "--dialect", "12"], ["--to", "mermaid", "--dialect", "11"]):
        with pytest.raises(SystemExit, match="2"):
            export.main([source, *arguments])
        assert "--dialect" in capsys.readouterr().err

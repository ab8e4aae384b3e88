"""What is left to do when the root of a tree of processes ends: the diagram, and a line where nothing was recorded."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tenure._core import process_tree
from tenure._core.installation import has_command
from tenure._core.process_tree import ProcessTree
from tenure._core.stderr import say
from tenure.errors import UsageError

_DIAGRAM_FORMATS = {".mmd": "mermaid", ".html": "html"}  # a recording becomes these when the program ends
_WAIT_S, _POLL_S = 2.0, 0.05  # for the other processes of the tree to end


def finish(tree: ProcessTree, diagram: Path | None, *, had_children: bool) -> None:
    """Do what is left to do at the end of the tree's root.

    ``diagram`` is the file to draw, None if none is wanted; ``had_children``: the root started other processes.
    """
    if had_children and not tree.recorded():
        say(
            "nothing was recorded, neither in this process nor in those that it started"
            " (`tenure doctor` with the same program says what was missed and why)"
        )
    if diagram is not None:
        running = _wait_for_others(recording_of(diagram)) if had_children else 0
        if running:
            processes = "1 process still runs" if running == 1 else f"{running} processes still run"
            say(f"{processes}: {diagram} has what was recorded until now")
        draw_diagram(diagram, keep=running > 0)
    tree.close()


def diagram_path(output: Path | None) -> Path | None:
    """The absolute path of the diagram that ``-o`` asks for; None if it asks for a recording or for nothing.

    Raises:
        UsageError: the file cannot be written, its suffix is unknown, or the server, which draws, is not installed.
    """
    if output is None or output.suffix == ".json":
        return None
    if output.suffix not in _DIAGRAM_FORMATS:
        known = "FILE.json, FILE.mmd or FILE.html"
        raise UsageError(f"cannot write {output}: unknown suffix {output.suffix!r} (-o takes {known})")
    if not has_command("export"):
        raise UsageError(f"drawing {output} needs the server, which is not installed (pip install 'tenure[server]')")
    try:
        is_new = not output.exists()
        with output.open("a"):
            pass
        if is_new:  # a program that is killed leaves its recording, and no empty page beside it
            output.unlink()
    except OSError as error:
        raise UsageError(f"cannot write {output}: {error.strerror} (choose another -o path)") from None
    return output.absolute()


def recording_of(diagram: Path) -> Path:
    """The recording of which this diagram is made."""
    return diagram.with_name(f"{diagram.name}.recording.json")


def draw_diagram(diagram: Path, *, keep: bool = False) -> None:
    """Turn the recording into a diagram; the recording stays where that fails, or with ``keep``."""
    recording = recording_of(diagram)
    to_format = _DIAGRAM_FORMATS[diagram.suffix]
    command = [sys.executable, "-m", "tenure", "export", str(recording), "--to", to_format, "-o", str(diagram)]
    export = subprocess.run(command, check=False, stdin=subprocess.DEVNULL)  # noqa: S603  # our own command
    if export.returncode == 0 and keep:
        return
    if export.returncode == 0:
        recording.unlink(missing_ok=True)
    else:
        say(f"{diagram} was not drawn; the records are in {recording} (tenure export {recording} --to {to_format})")


def _wait_for_others(recording: Path) -> int:
    """Wait up to two seconds for the processes in the recording to end, and return how many still run."""
    deadline = time.monotonic() + _WAIT_S
    while True:
        running = _running(recording)
        if not running or time.monotonic() >= deadline:
            return running
        time.sleep(_POLL_S)


def _running(recording: Path) -> int:
    import msgspec  # noqa: PLC0415  # only the root with a diagram needs it

    from tenure import wire  # noqa: PLC0415

    with contextlib.suppress(OSError, msgspec.DecodeError):
        batches = msgspec.json.decode(recording.read_bytes(), type=dict[str, Any])["batches"]
        batches = msgspec.convert(batches, list[wire.Batch])
        ended = {batch.process.id for batch in batches if batch.final}
        processes = {batch.process.id: batch.process.pid for batch in batches if batch.process.id not in ended}
        return sum(pid != os.getpid() and process_tree.is_alive(pid) for pid in processes.values())
    return 0

"""What is left to do when the root of a tree of processes ends: the diagram, and a line where nothing was recorded."""

from __future__ import annotations

import contextlib
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

_DIAGRAM_FORMATS = {
    ".mmd": "mermaid",
    ".svg": "svg",
    ".html": "html",
}  # a recording becomes these when the program ends
_INCOMPLETE = 3  # exit code of `tenure export --strict`: drawn, without all lifecycles, which it has said
_WAIT_S, _POLL_S = 2.0, 0.05  # for the other processes of the tree to end


def finish(tree: ProcessTree, diagram: Path | None, *, had_children: bool) -> None:
    """Do what is left to do at the end of the tree's root.

    ``diagram`` is the file to draw, None if none is wanted; ``had_children``: the root started other processes.
    """
    running = 0
    if had_children and diagram is not None:
        running = _wait_for_others(tree, recording_of(diagram))
    elif had_children:
        running = _running(tree, None)
    processes = "1 process still runs" if running == 1 else f"{running} processes still run"
    if had_children and not tree.recorded():
        say(
            f"{processes}: nothing was recorded until now"
            if running
            else "nothing was recorded, neither in this process nor in those that it started"
            " (`tenure doctor` with the same program says what was missed and why)"
        )
    if diagram is not None:
        if running:
            kept = recording_of(diagram)
            say(f"{processes}: {diagram} has what was recorded until now, and {kept} is continued")
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
        known = "FILE.json, FILE.mmd, FILE.svg or FILE.html"
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
    """Turn the recording into a diagram. It stays with ``keep``, if that fails, or if lifecycles are left out."""
    recording = recording_of(diagram)
    to_format = _DIAGRAM_FORMATS[diagram.suffix]
    target = ["--to", to_format, "--strict", "-o", str(diagram)]
    command = [sys.executable, "-m", "tenure", "export", str(recording), *target]
    export = subprocess.run(command, check=False, stdin=subprocess.DEVNULL)  # noqa: S603  # our own command
    if export.returncode == 0 and not keep:
        recording.unlink(missing_ok=True)
    elif export.returncode not in (0, _INCOMPLETE):
        say(f"{diagram} was not drawn; the records are in {recording} (tenure export {recording} --to {to_format})")


def _wait_for_others(tree: ProcessTree, recording: Path) -> int:
    """Wait up to two seconds for the other processes of the tree to end, and return how many still run."""
    deadline = time.monotonic() + _WAIT_S
    while True:
        running = _running(tree, recording)
        if not running or time.monotonic() >= deadline:
            return running
        time.sleep(_POLL_S)


def _running(tree: ProcessTree, recording: Path | None) -> int:
    """How many others of the tree run that have not said goodbye in the recording."""
    alive = {pid for pid in tree.others() if process_tree.is_alive(pid)}
    if not alive or recording is None:
        return len(alive)
    import msgspec  # noqa: PLC0415  # only a root whose children still run needs it

    from tenure import wire  # noqa: PLC0415

    with contextlib.suppress(OSError, msgspec.MsgspecError):
        batches = msgspec.json.decode(recording.read_bytes(), type=dict[str, Any])["batches"]
        alive -= {batch.process.pid for batch in msgspec.convert(batches, list[wire.Batch]) if batch.final}
    return len(alive)

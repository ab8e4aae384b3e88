"""``tenure export``: a recording, or what a collector has, as a file."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from pathlib import Path

import msgspec

from tenure_server.diagram import mermaid
from tenure_server.diagram.steps import Lens, Step
from tenure_server.drawing import draw_scene
from tenure_server.errors import NotFound, ServerError, UsageError
from tenure_server.limits import MAX_DIAGRAM, MAX_LIST
from tenure_server.recording import Recording, read_recording
from tenure_server.records import OPEN_PHASES, Lifecycle
from tenure_server.remote import Collector
from tenure_server.store import Paging, TraceQuery
from tenure_server.store.sqlite import SqliteStore

_NAMED = 5  # traces that an error names


class Document(msgspec.Struct, frozen=True):
    """What ``--to json`` writes: the lifecycles, oldest first, as the API gives them, and their diagram's steps."""

    lifecycles: list[Lifecycle] | list[msgspec.Raw]
    steps: list[Step] | msgspec.Raw
    earlier: int


def main(arguments: list[str]) -> int:
    """Write the export; 0, or 2 where it cannot be made."""
    options = _parser().parse_args(arguments)
    try:
        _write(options.output, _export(options.source, options.to, options.trace))
    except ServerError as error:
        print(f"tenure: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tenure export", description="Turn records into a file of another kind.")
    parser.add_argument("source", metavar="SOURCE", help="a recording (tenure run -o FILE.json), or a collector's URL")
    parser.add_argument("--to", required=True, choices=["mermaid", "json"], help="what to make of it")
    parser.add_argument("--trace", metavar="ID", help="only this trace (default: everything)")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="where to (default: standard output)")
    return parser


def _export(source: str, to: str, trace: str | None) -> str:
    if source.startswith(("http://", "https://")):
        collector = Collector(source)
        if to == "mermaid":
            return collector.mermaid(trace)
        steps, earlier = collector.steps(trace)
        return _json(Document(collector.lifecycles(trace), steps, earlier))
    recording = read_recording(Path(source))
    if recording.cut:
        print(f"tenure: {source} is not whole, {recording.cut}; what is whole is used", file=sys.stderr)
    document = asyncio.run(_draw(source, recording, Lens(trace=trace)))
    assert isinstance(document.steps, list)
    return mermaid(document.steps) if to == "mermaid" else _json(document)


async def _draw(source: str, recording: Recording, lens: Lens) -> Document:
    """Through a store in memory, so that it comes out as from a collector.

    To that store the recording was written when its file was: a program that has not written for a while, and did not
    say goodbye, is dead.
    """
    clock_ns = recording.written_ns
    store = SqliteStore(None, lambda: clock_ns)
    try:
        for batch in recording.batches:
            await store.write(batch)
        clock_ns = max(time.time_ns(), clock_ns)
        rows = sum(len(batch.rows) for batch in recording.batches)
        scene = await store.scene(lens, max(rows, MAX_DIAGRAM))
        is_open = any(lifecycle.phase in OPEN_PHASES for lifecycle in scene.lifecycles)
        now_ns = clock_ns if is_open else await store.latest_ns() or clock_ns
        return Document(scene.lifecycles, draw_scene(scene, lens, now_ns), scene.earlier)
    except NotFound:
        traces = (await store.traces(TraceQuery(paging=Paging(MAX_LIST)))).items
        known = ", ".join(f"{trace.id} {trace.name}" for trace in traces[:_NAMED])
        rest = f" and {len(traces) - _NAMED} more" if len(traces) > _NAMED else ""
        raise UsageError(f"no trace {lens.trace!r} is in {source} (it has {known or 'none'}{rest})") from None
    finally:
        await store.close()


def _json(document: Document) -> str:
    return msgspec.json.encode(document).decode() + "\n"


def _write(path: Path | None, text: str) -> None:
    if path is None:
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror} (give -o a file that can be written)") from None

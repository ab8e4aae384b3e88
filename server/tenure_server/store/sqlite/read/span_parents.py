"""Parents beyond the process: of spans, and of lifecycles that the program's active span stood around.

A parent is told by its span id, in a trace that both belong to. It may be a span, a tracer's lifecycle in this process
or in another, or something that nobody sent (yet): children come before their parents. So it is looked up when it is
asked for, among what is read at once and then among all that the store has of the trace.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.key_scan import RawRow
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot

_MAX_LOOKED_THROUGH = 50_000  # spans of one trace

_Wanted = dict[int, dict[int, list[int]]]  # trace -> id of a parent -> keys of its children


def parents_beyond(reading: ReadSnapshot, rows: Sequence[RawRow]) -> dict[int, str]:
    """The public id of the parent, by key, of rows that have none in their process."""
    foreign = {process for (process,) in reading.connection.execute("SELECT process FROM span_processes")}
    traces = {row[0]: row[2] for row in rows if row[1] is None}
    spans = [key for key in traces if keys.process_of(key) in foreign]
    at_hand: dict[tuple[int, int], int] = {}  # trace, id -> key
    wanted: _Wanted = defaultdict(lambda: defaultdict(list))
    for key, span, parent in reading.in_chunks("SELECT key, span_id, span_parent FROM lifecycles WHERE key IN", spans):
        at_hand[traces[key], span] = key
        if parent:
            wanted[traces[key]][parent].append(key)
    roots = [key for key in traces if keys.process_of(key) not in foreign]
    sql = "SELECT key, otel_parent_id FROM roots WHERE otel_parent_id IS NOT NULL AND key IN"
    for key, parent in reading.in_chunks(sql, roots):
        wanted[traces[key]][int.from_bytes(parent, "big", signed=True)].append(key)
    found: dict[int, str] = {}
    for trace, children in wanted.items():
        known = {span: at_hand[trace, span] for span in children if (trace, span) in at_hand}
        known |= _lifecycles(reading, trace, children.keys() - known.keys(), foreign)
        if missing := children.keys() - known.keys():
            known |= _spans(reading, trace, missing)
        for span, parent in known.items():
            public_id = reading.assembly.public_id(parent)
            found.update((child, public_id) for child in children[span] if child != parent)
    return found


def _lifecycles(reading: ReadSnapshot, trace: int, wanted: set[int], foreign: set[int]) -> dict[int, int]:
    """Those of the span ids that are tracers' lifecycles, with their keys."""
    processes = reading.connection.execute("SELECT process FROM otel_trace_processes WHERE trace = ?", (trace,))
    found: dict[int, int] = {}
    for (process,) in processes.fetchall():
        if process in foreign:
            continue
        process_id = reading.assembly.process(process).id
        for span in wanted:
            number = keys.number_of_span(span, process_id)
            key = None if number is None else keys.key(process, number)
            if key is not None and reading.subjects.has("lifecycles", key):
                found[span] = key
    return found


def _spans(reading: ReadSnapshot, trace: int, wanted: set[int]) -> dict[int, int]:
    """Those of the span ids that spans of the trace have, with their keys."""
    rows = reading.connection.execute(
        "SELECT span_id, key FROM lifecycles WHERE trace = ? AND span_id IS NOT NULL LIMIT ?",
        (trace, _MAX_LOOKED_THROUGH),
    )
    return {span: key for span, key in rows if span in wanted}

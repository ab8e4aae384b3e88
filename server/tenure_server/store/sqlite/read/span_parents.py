"""Parents in other processes: of spans, and of lifecycles that began within the program's active span.

Such a parent is known by its span id, in a trace that both belong to. It may be a span, a tracer's lifecycle in this
process or in another one, or a span that did not arrive (yet): children arrive before their parents. So the parent is
looked up when the child is read: first among the rows that are read with it, then in the trace.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.rows import LifecycleRow
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot

_MAX_SPANS_READ = 50_000  # of one trace

_ChildrenByTrace = dict[int, dict[int, list[int]]]  # trace -> span id of a parent -> keys of its children


class _SpanRow(NamedTuple):
    key: int
    span_id: int
    span_parent: int


class _RootRow(NamedTuple):
    key: int
    otel_parent_id: bytes


def foreign_parents(snapshot: ReadSnapshot, rows: Sequence[LifecycleRow]) -> dict[int, str]:
    """The public id of the parent, by key, of rows that have no parent in their process."""
    span_processes = {process for (process,) in snapshot.connection.execute("SELECT process FROM span_processes")}
    traces = {row.key: row.trace for row in rows if row.parent is None}
    spans = [key for key in traces if keys.process_of(key) in span_processes]
    at_hand: dict[tuple[int, int], int] = {}  # trace, span id -> key
    children: _ChildrenByTrace = defaultdict(lambda: defaultdict(list))
    sql = "SELECT key, span_id, span_parent FROM lifecycles WHERE key IN"
    for span in snapshot.in_chunks(sql, spans, _SpanRow._make):
        at_hand[traces[span.key], span.span_id] = span.key
        if span.span_parent:
            children[traces[span.key]][span.span_parent].append(span.key)
    roots = [key for key in traces if keys.process_of(key) not in span_processes]
    sql = "SELECT key, otel_parent_id FROM roots WHERE otel_parent_id IS NOT NULL AND key IN"
    for root in snapshot.in_chunks(sql, roots, _RootRow._make):
        parent_id = int.from_bytes(root.otel_parent_id, "big", signed=True)
        children[traces[root.key]][parent_id].append(root.key)
    parents: dict[int, str] = {}
    for trace, children_by_parent in children.items():
        known = {span_id: at_hand[trace, span_id] for span_id in children_by_parent if (trace, span_id) in at_hand}
        known |= _lifecycles(snapshot, trace, children_by_parent.keys() - known.keys(), span_processes)
        if missing := children_by_parent.keys() - known.keys():
            known |= _spans(snapshot, trace, missing)
        for span_id, parent in known.items():
            public_id = snapshot.decoder.public_id(parent)
            parents.update((child, public_id) for child in children_by_parent[span_id] if child != parent)
    return parents


def _lifecycles(snapshot: ReadSnapshot, trace: int, wanted: set[int], span_processes: set[int]) -> dict[int, int]:
    """The tracers' lifecycles among the span ids, with their keys."""
    processes = snapshot.connection.execute("SELECT process FROM otel_trace_processes WHERE trace = ?", (trace,))
    lifecycles: dict[int, int] = {}
    for (process,) in processes.fetchall():
        if process in span_processes:
            continue
        process_id = snapshot.decoder.process(process).id
        for span_id in wanted:
            number = keys.number_of_span(span_id, process_id)
            key = None if number is None else keys.key(process, number)
            if key is not None and snapshot.ids.is_stored("lifecycles", key):
                lifecycles[span_id] = key
    return lifecycles


def _spans(snapshot: ReadSnapshot, trace: int, wanted: set[int]) -> dict[int, int]:
    """The stored spans among the span ids, with their keys."""
    rows = snapshot.connection.execute(
        "SELECT span_id, key FROM lifecycles WHERE trace = ? AND span_id IS NOT NULL LIMIT ?",
        (trace, _MAX_SPANS_READ),
    )
    return {span_id: key for span_id, key in rows if span_id in wanted}

"""GET /api/traces, as the tables answer it."""

from __future__ import annotations

from itertools import islice

from tenure_server.model.labels import trace_name
from tenure_server.model.records import Trace
from tenure_server.store.protocol import Listing, TraceQuery
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.key_scan import RawRow, Selection, Timeline
from tenure_server.store.sqlite.file.schema import OPEN
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot, next_cursor, position_of

TRACES = Timeline("traces", "order_ns", "key, otel_id, start_ns, end_ns, lifecycles, open, errors, order_ns", 7)

_CHUNK = 500


def read_traces(reading: ReadSnapshot, query: TraceQuery) -> Listing[Trace]:
    selection = Selection(reading.subjects.all_processes())
    if query.process is not None:
        process = reading.subjects.process(query.process)
        _only_with_part_of(reading, selection, set() if process is None else {process})
    if query.service is not None:
        rows = reading.connection.execute("SELECT process FROM processes WHERE service = ?", (query.service,))
        _only_with_part_of(reading, selection, {row for (row,) in rows})
    found = list(
        islice(
            TRACES.newest(
                reading.connection,
                selection,
                (query.since_ns, query.until_ns),
                position_of(query.paging),
            ),
            query.paging.limit + 1,
        )
    )
    items = _records(reading, found[: query.paging.limit])
    return Listing(items, next_cursor(found, query.paging.limit, TRACES.position))


def _only_with_part_of(reading: ReadSnapshot, selection: Selection, processes: set[int]) -> None:
    """Keep traces that one of the processes has a part in; an OpenTelemetry trace may have begun elsewhere."""
    listed = ",".join(str(process) for process in sorted(processes))
    shared = f"SELECT trace FROM otel_trace_processes WHERE process IN ({listed})"  # noqa: S608 -- integers
    selection.add(f"(key >> {keys.NUMBER_BITS} IN ({listed}) OR key IN ({shared}))")
    begun = reading.connection.execute(shared)
    selection.only(processes | {keys.process_of(key) for (key,) in begun})


def _records(reading: ReadSnapshot, rows: list[RawRow]) -> list[Trace]:
    ids = reading.assembly.trace_ids(row[0] for row in rows)
    names = _names(reading, [row[0] for row in rows], {row[0] for row in rows if row[1] is not None})
    open_ones = _open_by_trace(reading, {row[0] for row in rows if row[5]})
    records = []
    for key, otel_id, start_ns, end_ns, lifecycles, _, errors, _ in rows:
        processes = [reading.assembly.process(keys.process_of(found)) for found in open_ones.get(key, ())]
        still_open = sum(process.alive for process in processes)
        ends = [process.last_seen_ns for process in processes] + ([] if end_ns is None else [end_ns])
        records.append(
            Trace(
                id=ids[key],
                name=names.get(key, ""),
                services=_services(reading, key, otel_id),
                start_ns=start_ns,
                end_ns=None if still_open else max([start_ns, *ends]),
                lifecycles=lifecycles,
                open=still_open,
                errors=errors,
            )
        )
    return records


def _open_by_trace(reading: ReadSnapshot, traces: set[int]) -> dict[int, list[int]]:
    """Keys of the lifecycles that are not closed, be their process alive or not."""
    found: dict[int, list[int]] = {}
    if traces:
        for trace, key in reading.connection.execute(f"SELECT trace, key {OPEN}"):
            if trace in traces:
                found.setdefault(trace, []).append(key)
    return found


def _names(reading: ReadSnapshot, traces: list[int], shared: set[int]) -> dict[int, str]:
    """What the root shows or, where the root is not stored, the earliest lifecycle that is.

    A trace that is ``shared`` with OpenTelemetry may have begun with a span, which came when the trace was known.
    """
    columns = "trace, task, resource, site"
    rows: list[RawRow] = []
    for start in range(0, len(traces), _CHUNK):
        some = traces[start : start + _CHUNK]
        sql = f"SELECT {columns} FROM lifecycles WHERE key IN ({','.join('?' * len(some))})"  # noqa: S608 -- marks only
        rows += reading.connection.execute(sql, some)
    rows += _begun_by_spans(reading, shared)  # of two for one trace the later counts
    for trace in set(traces) - {row[0] for row in rows}:
        sql = f"SELECT {columns} FROM lifecycles WHERE trace = ? ORDER BY key LIMIT 1"  # noqa: S608 -- columns of ours
        rows += reading.connection.execute(sql, (trace,))
    tasks = reading.assembly.task_refs(row[1] for row in rows)
    resources = reading.assembly.resource_refs(row[2] for row in rows)
    sites = reading.assembly.sites(row[3] for row in rows)
    names = {}
    for trace, task, resource, site in rows:
        shown = resources[resource]
        names[trace] = trace_name(tasks[task].name, shown.kind, shown.name, shown.capacity, sites[site].enter)
    return names


def _begun_by_spans(reading: ReadSnapshot, traces: set[int]) -> list[RawRow]:
    rows: list[RawRow] = []
    for trace in traces:
        rows += reading.connection.execute(
            "SELECT spans.trace, spans.task, spans.resource, spans.site FROM traces"
            " JOIN lifecycles AS spans ON spans.key = traces.first"
            " LEFT JOIN lifecycles AS root ON root.key = traces.key"
            " WHERE traces.key = ? AND (root.key IS NULL OR first_ns <= root.acquire_ns)",
            (trace,),
        )
    return rows


def _services(reading: ReadSnapshot, trace: int, otel_id: bytes | None) -> list[str]:
    processes = [keys.process_of(trace)]
    if otel_id is not None:
        sql = "SELECT process FROM otel_trace_processes WHERE trace = ? ORDER BY process"
        processes += [process for (process,) in reading.connection.execute(sql, (trace,))]
    return list(dict.fromkeys(reading.assembly.process(process).service for process in processes))

"""The query of GET /api/traces."""

from __future__ import annotations

from typing import NamedTuple

from tenure_server.model.labels import trace_name
from tenure_server.model.records import Trace
from tenure_server.store.protocol import Listing, TraceQuery
from tenure_server.store.sqlite.file import keys
from tenure_server.store.sqlite.file.key_scan import Position, RowSelection, Timeline
from tenure_server.store.sqlite.file.schema import OPEN
from tenure_server.store.sqlite.read.filters import NOT_INTERNAL
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot, page_of, position_of


class _TraceRow(NamedTuple):
    key: int
    otel_id: bytes | None
    start_ns: int
    end_ns: int | None
    lifecycles: int
    open: int
    errors: int
    order_ns: int
    internal: int
    internal_errors: int


class _FirstRow(NamedTuple):
    """The lifecycle that names a trace."""

    trace: int
    task: int
    resource: int
    site: int
    status: int | None


class _Root(NamedTuple):
    """What a trace has of its root."""

    name: str
    status: int | None


_NO_ROOT = _Root("", None)  # of a damaged file


def _position(row: _TraceRow) -> Position:
    return row.order_ns, row.key


TRACES = Timeline("traces", "order_ns", ", ".join(_TraceRow._fields), _TraceRow._make, _position)


def read_traces(snapshot: ReadSnapshot, query: TraceQuery) -> Listing[Trace]:
    selection = RowSelection(snapshot.ids.all_processes())
    if query.process is not None:
        process = snapshot.ids.process(query.process)
        _restrict_to_participants(snapshot, selection, set() if process is None else {process})
    if query.service is not None:
        rows = snapshot.connection.execute("SELECT process FROM processes WHERE service = ?", (query.service,))
        _restrict_to_participants(snapshot, selection, {process for (process,) in rows})
    if not query.internal:
        selection.add("(lifecycles > 0 OR internal = 0)")
    window = (query.since_ns, query.until_ns)
    traces = TRACES.newest(snapshot.connection, selection, window, position_of(query.paging))
    return page_of(
        traces,
        query.paging.limit,
        TRACES.position,
        lambda page: _records(snapshot, page, with_internal=bool(query.internal)),
    )


def read_trace(snapshot: ReadSnapshot, trace_id: str, *, with_internal: bool) -> list[Trace]:
    """The trace with this id; empty if it is not stored."""
    trace = snapshot.ids.trace(trace_id)
    columns = ", ".join(_TraceRow._fields)
    sql = f"SELECT {columns} FROM traces WHERE key = ?"  # noqa: S608 -- constant names
    if trace is None:
        return []
    rows = [_TraceRow(*row) for row in snapshot.connection.execute(sql, trace[:1])]
    return _records(snapshot, rows, with_internal=with_internal)


def _restrict_to_participants(snapshot: ReadSnapshot, selection: RowSelection, processes: set[int]) -> None:
    """Keep traces in which one of the processes takes part; another process may have begun an OpenTelemetry trace."""
    listed = ",".join(str(process) for process in sorted(processes))
    shared = f"SELECT trace FROM otel_trace_processes WHERE process IN ({listed})"  # noqa: S608 -- integers
    selection.add(f"(key >> {keys.NUMBER_BITS} IN ({listed}) OR key IN ({shared}))")
    traces = snapshot.connection.execute(shared)
    selection.restrict_to(processes | {keys.process_of(key) for (key,) in traces})


def _records(snapshot: ReadSnapshot, rows: list[_TraceRow], *, with_internal: bool) -> list[Trace]:
    ids = snapshot.decoder.trace_ids(row.key for row in rows)
    roots = _roots(snapshot, [row.key for row in rows], {row.key for row in rows if row.otel_id is not None})
    open_lifecycles = _open_by_trace(
        snapshot, {row.key for row in rows if row.open or (with_internal and row.internal)}, with_internal=with_internal
    )
    records = []
    for row in rows:
        processes = [snapshot.decoder.process(keys.process_of(key)) for key in open_lifecycles.get(row.key, ())]
        still_open = sum(process.alive for process in processes)
        ends = [process.last_seen_ns for process in processes] + ([] if row.end_ns is None else [row.end_ns])
        records.append(
            Trace(
                id=ids[row.key],
                name=roots.get(row.key, _NO_ROOT).name,
                services=_services(snapshot, row),
                start_ns=row.start_ns,
                end_ns=None if still_open else max([row.start_ns, *ends]),
                lifecycles=row.lifecycles + row.internal * with_internal,
                open=still_open,
                errors=row.errors + row.internal_errors * with_internal,
                status=roots.get(row.key, _NO_ROOT).status,
            )
        )
    return records


def _open_by_trace(snapshot: ReadSnapshot, traces: set[int], *, with_internal: bool) -> dict[int, list[int]]:
    """Keys of the lifecycles that are not closed, whether or not their process is alive."""
    open_lifecycles: dict[int, list[int]] = {}
    if traces:
        condition = "" if with_internal else f" AND {NOT_INTERNAL}"
        for trace, key in snapshot.connection.execute(f"SELECT trace, key {OPEN}{condition}"):
            if trace in traces:
                open_lifecycles.setdefault(trace, []).append(key)
    return open_lifecycles


def _roots(snapshot: ReadSnapshot, traces: list[int], shared: set[int]) -> dict[int, _Root]:
    """By key of the trace; where the root is not stored, what the earliest lifecycle says.

    A trace that is ``shared`` with OpenTelemetry may have begun with a span that arrived after other lifecycles.
    """
    columns = ", ".join(_FirstRow._fields)
    sql = f"SELECT {columns} FROM lifecycles WHERE key IN"  # noqa: S608 -- constant names
    rows = list(snapshot.in_chunks(sql, traces, _FirstRow._make))
    rows += _first_spans(snapshot, shared)  # of two rows for one trace the later one counts
    for trace in set(traces) - {row.trace for row in rows}:
        sql = f"SELECT {columns} FROM lifecycles WHERE trace = ? ORDER BY key LIMIT 1"  # noqa: S608 -- constant names
        rows += map(_FirstRow._make, snapshot.connection.execute(sql, (trace,)))
    tasks = snapshot.decoder.task_refs(row.task for row in rows)
    resources = snapshot.decoder.resource_refs(row.resource for row in rows)
    sites = snapshot.decoder.sites(row.site for row in rows)
    roots = {}
    for row in rows:
        resource = resources[row.resource]
        name = trace_name(tasks[row.task].name, resource.kind, resource.name, resource.capacity, sites[row.site].enter)
        roots[row.trace] = _Root(name, row.status or None)
    return roots


def _first_spans(snapshot: ReadSnapshot, traces: set[int]) -> list[_FirstRow]:
    """The spans with which traces began, of those that did not begin with their root."""
    rows: list[_FirstRow] = []
    for trace in traces:
        first_rows = snapshot.connection.execute(
            "SELECT spans.trace, spans.task, spans.resource, spans.site, spans.status FROM traces"
            " JOIN lifecycles AS spans ON spans.key = traces.first"
            " LEFT JOIN lifecycles AS root ON root.key = traces.key"
            " WHERE traces.key = ? AND (root.key IS NULL OR first_ns <= root.acquire_ns)",
            (trace,),
        )
        rows += map(_FirstRow._make, first_rows)
    return rows


def _services(snapshot: ReadSnapshot, row: _TraceRow) -> list[str]:
    processes = [keys.process_of(row.key)]
    if row.otel_id is not None:
        sql = "SELECT process FROM otel_trace_processes WHERE trace = ? ORDER BY process"
        processes += [process for (process,) in snapshot.connection.execute(sql, (row.key,))]
    return list(dict.fromkeys(snapshot.decoder.process(process).service for process in processes))

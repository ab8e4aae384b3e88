"""Whether a store's file holds together: every reference over all its tables, and every count that the writer keeps."""

from __future__ import annotations

import sqlite3
from collections import Counter

from tenure_server.store.sqlite.file.arrivals import unpack
from tenure_server.store.sqlite.file.keys import NUMBER_BITS
from tenure_server.store.sqlite.file.references import BELONGING, NEEDED
from tenure_server.store.sqlite.file.time_order import NEIGHBOURS_NS

_COUNTS = {
    "processes.lifecycles": (
        "SELECT count(*) FROM processes WHERE lifecycles <> (SELECT count(*) FROM lifecycles"
        " WHERE lifecycles.key >> 40 = processes.process)"
    ),
    "tasks.lifecycles": (
        "SELECT count(*) FROM tasks WHERE lifecycles <> (SELECT count(*) FROM lifecycles WHERE task = tasks.key)"
    ),
    "traces without a lifecycle": (
        "SELECT count(*) FROM traces WHERE NOT EXISTS (SELECT 1 FROM lifecycles WHERE trace = traces.key)"
    ),
    "ids of traces that lead elsewhere": (
        "SELECT count(*) FROM otel_traces JOIN traces ON key = trace WHERE otel_id IS NOT id"
    ),
    "parts of a process in a trace that are not reported": (
        "SELECT count(*) FROM (SELECT DISTINCT trace, lifecycles.key >> 40 AS process FROM lifecycles JOIN traces"
        " ON traces.key = trace WHERE otel_id IS NOT NULL EXCEPT SELECT trace, process FROM otel_trace_processes)"
    ),
}


def faults(connection: sqlite3.Connection) -> list[str]:
    """One sentence for each thing that does not hold."""
    wrong = []
    for reference in (*BELONGING, *NEEDED):
        (count,) = connection.execute(f"SELECT count(*) FROM {reference.table} WHERE {reference.dangling}").fetchone()
        if count:
            wrong.append(f"{count} of {reference.table} name in {reference.value} no row of {reference.target}")
    for check, sql in _COUNTS.items():
        (count,) = connection.execute(sql).fetchone()
        if count:
            wrong.append(f"{check}: {count} are wrong")
    arrived = Counter(key for (packed,) in connection.execute("SELECT keys FROM arrivals") for key in unpack(packed))
    closed = {key for (key,) in connection.execute("SELECT key FROM lifecycles WHERE release_ns IS NOT NULL")}
    if arrived.keys() != closed:
        wrong.append(
            f"arrivals: {len(closed - arrived.keys())} closed ones are missing, {len(arrived.keys() - closed)} too many"
        )
    if any(count > 1 for count in arrived.values()):
        wrong.append("arrivals: some lifecycles came twice")
    last = [at_ns for (at_ns,) in connection.execute("SELECT last_ns FROM arrivals ORDER BY arrival")]
    if last != sorted(last):
        wrong.append("arrivals: not in the order in which they came")
    return wrong + _out_of_order(connection)


def _out_of_order(connection: sqlite3.Connection) -> list[str]:
    """Processes whose keys are not in the order of time, and which are not known for it."""
    wrong = []
    for table, time in (("lifecycles", "acquire_ns"), ("traces", "order_ns")):
        sql = (
            f"SELECT key >> {NUMBER_BITS} AS process, count(*) FROM (SELECT key, {time}, max({time}) OVER"
            f" (PARTITION BY key >> {NUMBER_BITS} ORDER BY key) AS latest_ns FROM {table})"
            f" WHERE {time} < latest_ns - ? AND process NOT IN (SELECT process FROM unordered) GROUP BY process"
        )
        for process, count in connection.execute(sql, (NEIGHBOURS_NS,)):
            wrong.append(f"{count} of {table} in process {process} are earlier than some with a lower key")
    return wrong

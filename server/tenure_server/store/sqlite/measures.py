"""What is measured of the resources of living processes, from the counts that the writer keeps."""

from __future__ import annotations

import msgspec

from tenure_server.store.protocol import Measured
from tenure_server.store.sqlite import keys
from tenure_server.store.sqlite.processes import read_some_processes
from tenure_server.store.sqlite.reading import OPEN, Reading
from tenure_server.store.sqlite.timeline import Found

_histogram = msgspec.msgpack.Decoder(dict[int, int])


def read_measures(reading: Reading, limit: int) -> list[Measured]:
    """See ``Store.measures``."""
    living = reading.living() - {
        process for (process,) in reading.connection.execute("SELECT process FROM span_processes")
    }  # those have metrics of their own
    bounds = [(keys.key(process, 0), keys.key(process, keys.NUMBERS)) for process in sorted(living)]
    rows: list[Found] = []
    for low, high in bounds:
        rows += reading.connection.execute(
            "SELECT key, kind, name, capacity, stereotype, total, waits, holds, used_ns FROM resources"
            " WHERE key BETWEEN ? AND ? AND total > 0 ORDER BY used_ns DESC LIMIT ?",
            (low, high, limit),
        )
    rows = sorted(rows, key=lambda row: -row[8])[:limit]
    waiting: dict[int, int] = {}
    using: dict[int, int] = {}
    for resource, acquired, count in reading.connection.execute(
        f"SELECT resource, wait_ns IS NOT NULL, count(*) {OPEN} GROUP BY resource, wait_ns IS NOT NULL"
    ):
        (using if acquired else waiting)[resource] = count
    processes = read_some_processes(reading, {keys.process_of(row[0]) for row in rows})
    by_row = {row: processes[reading.assembly.process(row).hex] for row in {keys.process_of(row[0]) for row in rows}}
    return [
        Measured(
            process=by_row[keys.process_of(key)],
            kind=kind,
            name=name,
            capacity=capacity,
            stereotype=stereotype,
            waiting=waiting.get(key, 0),
            open=using.get(key, 0),
            total=total,
            waits=_histogram.decode(waits),
            holds=_histogram.decode(holds),
        )
        for key, kind, name, capacity, stereotype, total, waits, holds, _ in rows
    ]

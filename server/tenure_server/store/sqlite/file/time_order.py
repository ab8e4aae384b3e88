"""Keeps the order of keys near the order of time, in each process that is not in ``unordered``.

``key_scan`` depends on this rule: of two rows of a process, the one with the greater key is at most NEIGHBOURS_NS
earlier. A new row stands at the end of its process. A late row stands between others. This happens when an open
lifecycle was deleted because its process was silent, and then continues, or when a late child makes a deleted trace
again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from tenure_server.store.sqlite.file import keys

NEIGHBOURS_NS = 1_000_000_000  # a row that is further from its place than this makes its process unordered
_NEAR = 128  # rows that a late one is compared with, on each side
_LOOK_UP = 500  # keys in one query


def is_unordered(connection: sqlite3.Connection, process: int) -> bool:
    """Whether the keys of a process are not in the order of time."""
    return connection.execute("SELECT 1 FROM unordered WHERE process = ?", (process,)).fetchone() is not None


def is_in_place(connection: sqlite3.Connection, key: int, acquire_ns: int) -> bool:
    """Whether a lifecycle is in order with the stored ones around it."""
    latest_before, earliest_after = _around(connection, "lifecycles", "acquire_ns", key)
    return latest_before - NEIGHBOURS_NS <= acquire_ns <= earliest_after + NEIGHBOURS_NS


def place_trace(connection: sqlite3.Connection, key: int, order_ns: int) -> int:
    """The ``order_ns`` with which a trace of this key is in order: this one, or the nearest to it.

    So a trace that is made again is listed near its earlier place.
    """
    if is_unordered(connection, keys.process_of(key)):
        return order_ns
    latest_before, earliest_after = _around(connection, "traces", "order_ns", key)
    if order_ns > earliest_after + NEIGHBOURS_NS:
        return earliest_after
    return latest_before if order_ns < latest_before - NEIGHBOURS_NS else order_ns


def highest(connection: sqlite3.Connection, table: str, time: str, process: int) -> tuple[int, int]:
    """The highest key of a process, and the latest instant of its last rows; (0, 0): it has no rows."""
    row = connection.execute(
        f"SELECT max(key), max({time}) FROM (SELECT key, {time} FROM {table} WHERE key BETWEEN ? AND ?"  # noqa: S608 -- fixed names, no input
        " ORDER BY key DESC LIMIT ?)",
        (keys.key(process, 0), keys.key(process, keys.NUMBERS), _NEAR),
    ).fetchone()
    return (0, 0) if row[0] is None else (row[0], row[1])


def missing_traces(connection: sqlite3.Connection, wanted: Iterable[int]) -> set[int]:
    """Those of the keys that no stored trace has."""
    missing = set(wanted)
    ordered = sorted(missing)
    for start in range(0, len(ordered), _LOOK_UP):
        some = ordered[start : start + _LOOK_UP]
        sql = f"SELECT key FROM traces WHERE key IN ({','.join('?' * len(some))})"  # noqa: S608 -- marks only
        missing.difference_update(key for (key,) in connection.execute(sql, some))
    return missing


def _around(connection: sqlite3.Connection, table: str, time: str, key: int) -> tuple[int, int]:
    """The latest instant of the rows before a key, and the earliest of those after it; without rows, +-2**63."""
    process = keys.process_of(key)
    near = f"SELECT {time} FROM {table} WHERE key"  # noqa: S608 -- fixed names, no input
    before, after = connection.execute(
        f"SELECT (SELECT max({time}) FROM ({near} BETWEEN ?1 AND ?2 - 1 ORDER BY key DESC LIMIT ?4)),"  # noqa: S608 -- fixed names, no input
        f" (SELECT min({time}) FROM ({near} BETWEEN ?2 + 1 AND ?3 ORDER BY key LIMIT ?4))",
        (keys.key(process, 0), key, keys.key(process, keys.NUMBERS), _NEAR),
    ).fetchone()
    return -(1 << 63) if before is None else before, (1 << 63) - 1 if after is None else after

"""The tables, and how a store is recognized.

``lifecycles``: one row for each lifecycle (see ``rows``), closed if ``release_ns`` is set. It has two secondary indexes
(a third would halve the rate of the writer), and partial ones over the few open rows and those with ``released_by``. A
row of a span has ``span_id`` and ``span_parent`` (0: none), signed 64-bit integers. ``status`` is the HTTP status of a
response, ``released_by`` the key of the task that released, where that is another one than ``task``.
``sites.internal`` is 1 where a library or framework enters for its own ends; its rows have ``rows.INTERNAL``. All
other counts and histograms are without them: theirs stand in the columns ``internal`` and ``internal_...``. Only
``lifecycles`` of ``processes`` and ``tasks`` counts every row.
``awaits``: what an unfinished task awaits since when, by its key. ``stalls``: how long an event loop stood still.
``traces``: the key is that of the (first) root, so the id of the trace is not stored. ``first`` is the span that began
first. ``order_ns`` is the start of the lifecycle that arrived first.
``processes.skew_ns`` is how far the process's clock is behind the collector's. The row of a deleted process is not used
again: ``process_rows`` has the highest one.
``exceptions``: with ``cancelled`` 1, the canceller is known: the key of a task and a site (0: none), and ``via``.
``arrivals``: the age of lifecycles, by the collector's clock.
``unordered``: the processes whose keys are not nearly in the order of ``acquire_ns``, or for traces of ``order_ns``
(see ``time_order``).
The writer updates counts and histograms in the transaction that writes the rows.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Sequence
from pathlib import Path

from tenure_server.store.sqlite.file import arrivals, references

VERSION = 5
OLDEST = 2  # the oldest version that ``upgrade`` accepts
_INCREMENTAL = 2
APPLICATION_ID = 0x54454E55  # "TENU"

SITES = """CREATE TABLE sites (
    site INTEGER PRIMARY KEY, file TEXT NOT NULL, line INTEGER NOT NULL, function TEXT NOT NULL,
    expression TEXT NOT NULL, enter TEXT NOT NULL, exit TEXT NOT NULL, internal INTEGER NOT NULL,
    UNIQUE (file, line, function, expression, enter, exit, internal))"""
RELEASED_BY = "CREATE INDEX lifecycles_released_by ON lifecycles (released_by) WHERE released_by IS NOT NULL"
TABLES = f"""
CREATE TABLE processes (
    process INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, service TEXT NOT NULL, host TEXT NOT NULL,
    pid INTEGER NOT NULL, python TEXT NOT NULL, started_ns INTEGER NOT NULL, last_seen_ns INTEGER NOT NULL,
    ended INTEGER NOT NULL, dropped BLOB NOT NULL, lifecycles INTEGER NOT NULL, contiguous INTEGER NOT NULL,
    latest_ns INTEGER NOT NULL, skew_ns INTEGER NOT NULL, internal INTEGER NOT NULL DEFAULT 0);
CREATE TABLE batches_ahead (
    process INTEGER NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (process, sequence)) WITHOUT ROWID;
{SITES};
CREATE TABLE exceptions (
    exception INTEGER PRIMARY KEY, type TEXT NOT NULL, message TEXT NOT NULL, used_ns INTEGER NOT NULL,
    cancelled INTEGER NOT NULL, canceller INTEGER NOT NULL, via TEXT NOT NULL, cancelled_at INTEGER NOT NULL,
    UNIQUE (type, message, cancelled, canceller, via, cancelled_at));
CREATE TABLE resources (
    key INTEGER PRIMARY KEY, kind TEXT NOT NULL, name TEXT NOT NULL, capacity INTEGER, stereotype TEXT NOT NULL,
    total INTEGER NOT NULL, failed INTEGER NOT NULL, waits BLOB NOT NULL, holds BLOB NOT NULL,
    used_ns INTEGER NOT NULL, internal INTEGER NOT NULL DEFAULT 0, internal_failed INTEGER NOT NULL DEFAULT 0,
    internal_waits BLOB NOT NULL DEFAULT x'80', internal_holds BLOB NOT NULL DEFAULT x'80');
CREATE INDEX resources_by_use ON resources (used_ns);
CREATE TABLE tasks (
    key INTEGER PRIMARY KEY, name TEXT NOT NULL, coroutine TEXT NOT NULL, kind TEXT NOT NULL, parent INTEGER,
    created_in INTEGER, created_ns INTEGER, finished_ns INTEGER, outcome INTEGER NOT NULL, exception INTEGER,
    lifecycles INTEGER NOT NULL, first INTEGER, last INTEGER, loop INTEGER NOT NULL DEFAULT 0,
    thread TEXT NOT NULL DEFAULT '', internal INTEGER NOT NULL DEFAULT 0);
CREATE INDEX tasks_by_parent ON tasks (parent) WHERE parent IS NOT NULL;
CREATE TABLE traces (
    key INTEGER PRIMARY KEY, otel_id BLOB, start_ns INTEGER NOT NULL, end_ns INTEGER, lifecycles INTEGER NOT NULL,
    open INTEGER NOT NULL, errors INTEGER NOT NULL, first INTEGER, first_ns INTEGER, order_ns INTEGER,
    internal INTEGER NOT NULL DEFAULT 0, internal_errors INTEGER NOT NULL DEFAULT 0);
CREATE TABLE otel_traces (id BLOB PRIMARY KEY, trace INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE otel_trace_processes (
    trace INTEGER NOT NULL, process INTEGER NOT NULL, PRIMARY KEY (trace, process)) WITHOUT ROWID;
CREATE TABLE roots (key INTEGER PRIMARY KEY, link INTEGER, otel_trace_id BLOB, otel_parent_id BLOB);
CREATE TABLE span_processes (process INTEGER PRIMARY KEY);
CREATE TABLE lifecycles (
    key INTEGER PRIMARY KEY, parent INTEGER, trace INTEGER NOT NULL, task INTEGER NOT NULL, resource INTEGER NOT NULL,
    site INTEGER NOT NULL, acquire_ns INTEGER NOT NULL, wait_ns INTEGER, hold_ns INTEGER, release_ns INTEGER,
    outcomes INTEGER NOT NULL, body_exception INTEGER, exception INTEGER, span_id INTEGER, span_parent INTEGER,
    status INTEGER, released_by INTEGER);
CREATE INDEX lifecycles_by_trace ON lifecycles (trace);
CREATE INDEX lifecycles_by_resource ON lifecycles (resource);
CREATE INDEX lifecycles_open ON lifecycles (resource, trace) WHERE release_ns IS NULL;
{RELEASED_BY};
CREATE TABLE probe (filling BLOB NOT NULL);
"""
NEW_TABLES = (  # since version 2
    "CREATE TABLE process_rows (deleted INTEGER NOT NULL)",
    "CREATE TABLE unordered (process INTEGER PRIMARY KEY)",
)


TABLES_SINCE_5 = (
    """CREATE TABLE awaits (
        task INTEGER PRIMARY KEY, since_ns INTEGER NOT NULL, awaited TEXT NOT NULL, site INTEGER, resource INTEGER)""",
    """CREATE TABLE stalls (
        process INTEGER NOT NULL, loop INTEGER NOT NULL, begin_ns INTEGER NOT NULL, duration_ns INTEGER NOT NULL,
        is_over INTEGER NOT NULL, thread TEXT NOT NULL, task INTEGER, site INTEGER, stack BLOB NOT NULL,
        PRIMARY KEY (process, begin_ns, loop)) WITHOUT ROWID""",
)


class NotOurs(Exception):
    """The database belongs to another program, or to another version of this one; ``remedy`` says what to do."""

    def __init__(self, problem: str, remedy: str = "give another --store") -> None:
        super().__init__(problem)
        self.remedy = remedy


def is_ours(path: Path) -> bool:
    """Whether the head of a file says that it is a store. The rest of the file may be damaged."""
    try:
        with path.open("rb", buffering=0) as file:
            head = file.read(100)
    except OSError:
        return False
    return head[68:72] == APPLICATION_ID.to_bytes(4, "big")


def is_new(connection: sqlite3.Connection) -> bool:
    """Whether the database is empty. False: it is a store. Nothing is changed.

    Raises:
        NotOurs: it belongs to another program, or has a version that this code does not read.
        sqlite3.Error: it is not a database, or cannot be read.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if application == APPLICATION_ID and not OLDEST <= version <= VERSION:
        problem = f"holds a store of version {version}, this program reads version {VERSION}"
        if version > VERSION:
            raise NotOurs(problem, "update tenure-server, or give another --store")
        raise NotOurs(f"{problem} and upgrades from {OLDEST}", "move it away, or give another --store")
    if application != APPLICATION_ID and tables:
        raise NotOurs("is the database of another program")
    return not tables


def configure(connection: sqlite3.Connection) -> None:
    """Configure the connection that writes. WAL does not block readers; NORMAL loses nothing when the process dies."""
    (vacuum,) = connection.execute("PRAGMA auto_vacuum").fetchone()
    if vacuum != _INCREMENTAL:
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # it has an effect only before the first table
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")  # upkeep.py does it
    connection.execute("PRAGMA cache_size = -32768")


def create(connection: sqlite3.Connection) -> None:
    connection.executescript(
        f"BEGIN; {TABLES} {'; '.join(NEW_TABLES + TABLES_SINCE_5)}; {arrivals.TABLE};"
        f" PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;"
    )


def upgrade(connection: sqlite3.Connection) -> None:
    """Convert a store of an earlier version to this one, in one transaction."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for table in TABLES_SINCE_5:
            connection.execute(table)
        if version < 3:
            _upgrade_to_3(connection)
        if version < 4:
            connection.execute("ALTER TABLE lifecycles ADD COLUMN status INTEGER")
        _upgrade_to_5(connection)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _upgrade_to_3(connection: sqlite3.Connection) -> None:
    for table in (*OUTBOX_TABLES, *SERIES_TABLES, *NEW_TABLES):  # a store that was made before them has none
        connection.execute(table)
    connection.execute("ALTER TABLE traces ADD COLUMN order_ns INTEGER")
    connection.execute("UPDATE traces SET order_ns = start_ns")
    references.mend(connection)
    arrivals.create(connection)


def _upgrade_to_5(connection: sqlite3.Connection) -> None:
    connection.execute("ALTER TABLE lifecycles ADD COLUMN released_by INTEGER")
    connection.execute(RELEASED_BY)
    connection.execute("ALTER TABLE tasks ADD COLUMN loop INTEGER NOT NULL DEFAULT 0")
    connection.execute("ALTER TABLE tasks ADD COLUMN thread TEXT NOT NULL DEFAULT ''")
    for table, column in (
        ("processes", "internal"),
        ("tasks", "internal"),
        ("traces", "internal"),
        ("traces", "internal_errors"),
        ("resources", "internal"),
        ("resources", "internal_failed"),
    ):
        connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} INTEGER NOT NULL DEFAULT 0")
    for column in ("internal_waits", "internal_holds"):
        connection.execute(f"ALTER TABLE resources ADD COLUMN {column} BLOB NOT NULL DEFAULT x'80'")
    connection.execute("ALTER TABLE sites RENAME TO sites_before")
    connection.execute(SITES)
    connection.execute(
        "INSERT INTO sites SELECT site, file, line, function, expression, enter, exit, 0 FROM sites_before"
    )
    connection.execute("DROP TABLE sites_before")


def pack(keys: Sequence[int]) -> bytes:
    """The keys of an outbox entry, eight bytes each."""
    return array("q", keys).tobytes()


def unpack(packed: bytes) -> Sequence[int]:
    """The keys of an outbox entry."""
    return array("q", packed)


USED_NS = 60_000_000_000  # used_ns of an exception is updated at most so often


OUTBOX_TABLES = (
    """CREATE TABLE IF NOT EXISTS outbox (
        entry INTEGER PRIMARY KEY AUTOINCREMENT, at_ns INTEGER NOT NULL, lifecycles INTEGER NOT NULL,
        keys BLOB NOT NULL)""",
    """CREATE TABLE IF NOT EXISTS followers (
        name TEXT PRIMARY KEY, cursor INTEGER NOT NULL, expired INTEGER NOT NULL) WITHOUT ROWID""",
    "CREATE TABLE IF NOT EXISTS abandoned (key INTEGER PRIMARY KEY)",
)


SERIES_TABLES = (
    """CREATE TABLE IF NOT EXISTS series (
        series INTEGER PRIMARY KEY, process INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,
        is_pool INTEGER NOT NULL, is_overflow INTEGER NOT NULL, counts BLOB NOT NULL,
        UNIQUE (process, is_pool, is_overflow, kind, name))""",
    "CREATE TABLE IF NOT EXISTS series_resources (resource INTEGER PRIMARY KEY, series INTEGER NOT NULL)",
    """CREATE TABLE IF NOT EXISTS pools (
        resource INTEGER PRIMARY KEY, idle INTEGER NOT NULL, idle_max INTEGER, gone INTEGER NOT NULL)""",
)


OPEN = "FROM lifecycles INDEXED BY lifecycles_open WHERE release_ns IS NULL"

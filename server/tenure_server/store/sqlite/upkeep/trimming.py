"""Keeps the store within its size: writes the log into the file, and deletes the oldest lifecycles for new ones."""

from __future__ import annotations

import sqlite3
import time
from contextlib import nullcontext
from typing import Protocol

from tenure import wire
from tenure_server.limits import RETENTION_CHUNK
from tenure_server.store.sqlite.file.sqlite_errors import is_no_room
from tenure_server.store.sqlite.file.store_files import StoreFiles
from tenure_server.store.sqlite.read.reader_pool import ReaderPool
from tenure_server.store.sqlite.upkeep.disk_space import Budget
from tenure_server.store.sqlite.upkeep.open_parts import Parts
from tenure_server.store.sqlite.write.writer_thread import Work

_PAGE = 4_096  # bytes, without the header of its frame in the log
_PAGES_A_ROW = 0.25  # of the log, until it is measured
_SWEEP_ROWS = 20_000  # deleted rows, after which a sweep follows
_SWEEP_S = 1.0
_PATIENCE_S = 1.0
_SMALL = 3  # reserves; a smaller file is not limited on a full disk
_SMALL_CHUNK = 500  # lifecycles deleted in one transaction on a full disk


class TrimmedStore(Protocol):
    """What trimming uses of the upkeep: the parts of the current file, and its limits."""

    @property
    def budget(self) -> Budget: ...
    @property
    def parts(self) -> Parts: ...
    @property
    def files(self) -> StoreFiles | None: ...
    @property
    def readers(self) -> ReaderPool: ...


class Trimming:
    """Works on the current parts of the upkeep."""

    def __init__(self, upkeep: TrimmedStore) -> None:
        self._upkeep = upkeep
        self._unit = upkeep.budget.unit
        self._file = upkeep.budget.file
        self._is_tight = False  # the disk is full
        self._rows = 0  # since the log was emptied
        self._new_rows = 0  # since the last trim
        self._pages_a_row = _PAGES_A_ROW
        self._unswept = 0
        self._swept = 0.0
        self.is_log_empty = True

    def count(self, works: list[Work]) -> None:
        """Count work that was written."""
        rows = 0
        for work in works:
            parts = (work,) if isinstance(work, wire.Batch) else work
            rows += sum(len(part.rows) + 10 for part in parts)
        self._rows += rows
        self._new_rows += rows
        self.is_log_empty = False

    def bound_file(self) -> None:
        """The disk is full: limit the file to its size minus the reserve.

        A small file keeps its limit: its few lifecycles did not fill the disk.
        """
        files, file = self._upkeep.files, self._upkeep.budget.file
        if files is None or file is None:
            return
        self._is_tight = True
        size = min(file, self._upkeep.parts.retention.file_bytes())
        if size >= _SMALL * self._upkeep.budget.reserve:
            self._file = size - self._upkeep.budget.reserve

    def free_file(self) -> None:
        """The disk has space again: the file has its usual limit."""
        self._file = self._upkeep.budget.file
        self._is_tight = False

    def trim(self) -> None:
        """Delete the oldest lifecycles if the file is nearly full; empty the log if it has reached its limit.

        Raises:
            sqlite3.Error: the database could not write.
        """
        self._empty_log()
        if self._file is None:
            return
        retention = self._upkeep.parts.retention
        if retention.used_bytes() > self._file - self._unit:
            self._delete(self._file - self._unit - self._unit // 2)
        if retention.file_bytes() > self._file:
            self.shrink(self._unit)
        self._new_rows = 0

    def _delete(self, target: int) -> None:
        parts = self._upkeep.parts
        allowed = 2 * self._new_rows + RETENTION_CHUNK
        chunk = min(RETENTION_CHUNK, max(self._upkeep.budget.group_rows, _SMALL_CHUNK))
        if self._is_tight:
            chunk = _SMALL_CHUNK
        deleted = 0
        count = 1
        while count and deleted < allowed and parts.retention.used_bytes() > target:
            count = parts.retention.delete_oldest(chunk)
            deleted += count
            self._rows += count
            self.is_log_empty = False
            self._empty_log()
        self._unswept += deleted
        now = time.monotonic()
        if self._unswept >= _SWEEP_ROWS or (not count and now - self._swept >= _SWEEP_S):
            self._unswept, self._swept = 0, now
            parts.retention.sweep()
            parts.outbox.expire()
        if deleted:
            parts.writer.forget()

    def _empty_log(self) -> None:
        files = self._upkeep.files
        if files is None or self.is_log_empty:
            return
        size = files.log_bytes()
        if size > self._upkeep.budget.log:
            self.checkpoint(by_force=self._upkeep.budget.file is not None)
        elif size > self._unit and self._rows * self._pages_a_row * _PAGE > self._unit:
            self.checkpoint()

    def checkpoint(self, *, by_force: bool = False) -> None:
        """Write the log into the file. ``by_force``: interrupt reads that prevent it."""
        files = self._upkeep.files
        if files is None:
            return
        try:
            with self._upkeep.readers.paused(_PATIENCE_S) if by_force else nullcontext():
                self._checkpoint()
        except sqlite3.Error as error:
            if not (self._is_tight and is_no_room(error)):  # on a full disk the file must become smaller first
                raise
        finally:
            files.remember_written()

    def _checkpoint(self) -> None:
        _, pages, done = self._upkeep.parts.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        if self._rows:
            self._pages_a_row = max(pages / self._rows, 0.01)
        if pages == done:
            self._rows = 0
            self.is_log_empty = True

    def shrink(self, size: int) -> None:
        """Remove so many bytes from the file's end, if they are unused."""
        step = max(self._unit // 2, _PAGE)
        for _ in range(0, size, step):
            self._upkeep.parts.retention.shrink(step)
            self.checkpoint()

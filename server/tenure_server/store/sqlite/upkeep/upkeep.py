"""Maintains the files of the store: handles changes by other programs, the limit of the size, and a full disk.

All of this runs in the writer's thread, between two transactions.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

from tenure_server.errors import StoreBusy, StoreFailed, StoreUnusable
from tenure_server.store.sqlite.file.connection import connect_reader, open_store
from tenure_server.store.sqlite.file.schema import is_ours
from tenure_server.store.sqlite.file.sqlite_errors import is_damage, is_no_room
from tenure_server.store.sqlite.file.store_files import FileChange, StoreFiles
from tenure_server.store.sqlite.read.reader_pool import ReaderPool
from tenure_server.store.sqlite.upkeep.disk_space import Budget, Reserve
from tenure_server.store.sqlite.upkeep.open_parts import Parts
from tenure_server.store.sqlite.upkeep.trimming import Trimming
from tenure_server.store.sqlite.write.writer_thread import Work

log = logging.getLogger("tenure.server")

_RETRY_S = 0.5  # between two attempts to open a file, or to allocate the reserve
_PATIENCE_S = 1.0  # for reads that prevent the replacement of the file


class Upkeep:
    """The parts of the store, for the file that is at the path now."""

    def __init__(self, path: Path | None, clock: Callable[[], int], max_bytes: int | None, readers: ReaderPool) -> None:
        """Open the store, or create it.

        Raises:
            StoreUnusable: no store can be opened at the path.
        """
        self._path = path
        self._clock = clock
        self._readers = readers
        self.budget = Budget.of(max_bytes)
        self._files = StoreFiles(path) if path is not None else None
        self._reserve = (
            None if self._files is None else Reserve(Path(f"{self._files.path}-reserve"), self.budget.reserve)
        )
        self.is_exclusive = path is None  # reads use the connection that writes
        self._problem: str | None = None  # why no store is open now
        self.is_full = False
        self._last_attempt = 0.0  # monotonic
        self.parts = self._open(None)
        self.trimming = Trimming(self)
        if self._reserve is not None and not self._reserve.allocate():
            self._note_full("the reserve of disk space could not be allocated")

    # Opening

    def _open(self, before: Parts | None) -> Parts:
        """Open the file at the path. On a full disk, release the reserve first, then open it without other readers.

        Raises:
            StoreUnusable: it cannot be opened.
        """
        try:
            return self._open_shared_or_not(before)
        except StoreUnusable as error:
            if self._files is None or not is_damage(error.__cause__) or not (before or is_ours(self._files.path)):
                raise
            self._put_aside(f"is damaged: {error.__cause__}")
        return self._open_shared_or_not(before)

    def _open_shared_or_not(self, before: Parts | None) -> Parts:
        try:
            return self._open_file(before, exclusive=False)
        except StoreUnusable as error:
            if self._reserve is None or not is_no_room(error.__cause__):
                raise
            self._reserve.release()
        try:
            return self._open_file(before, exclusive=False)
        except StoreUnusable as error:
            if not is_no_room(error.__cause__):
                raise
        return self._open_file(before, exclusive=True)

    def _open_file(self, before: Parts | None, *, exclusive: bool) -> Parts:
        connection, lock = open_store(self._path, exclusive=exclusive)
        try:
            connection.execute(f"PRAGMA journal_size_limit = {self.budget.log}")
            parts = Parts.of(connection, lock, self._clock, before)
        except sqlite3.Error as error:
            connection.close()
            if lock is not None:
                lock.release()
            raise StoreUnusable(f"the store {self._path} cannot be used: {error} (give another --store)") from error
        if self._files is not None:
            self._files.remember()
            self.is_exclusive = exclusive
        return parts

    def _open_again(self) -> None:
        """Open the file that is at the path now, unless the last attempt was less than _RETRY_S ago."""
        now = time.monotonic()
        if now - self._last_attempt < _RETRY_S:
            return
        self._last_attempt = now
        self._readers.close_all()
        self.parts.close()
        try:
            self.parts = self._open(self.parts)
        except (StoreUnusable, OSError) as error:
            if self._problem is None:
                log.error("the store %s cannot be opened: %s", self._path, error)  # noqa: TRY400 -- one line says it
            self._problem = str(error)
            return
        if self._problem is not None:
            log.warning("the store %s accepts lifecycles again", self._path)
        self._problem = None
        if self._reserve is not None and not self.is_full and not self._reserve.allocate():
            self._note_full("the reserve of disk space could not be allocated")

    # Before and after each transaction

    def ensure_open(self) -> None:
        """Open a store if none is open.

        Raises:
            StoreFailed: no store can be opened now.
        """
        if self._files is None:
            return
        if self._problem is not None or self.is_exclusive:
            self._open_again()
        if self._problem is not None:
            raise StoreFailed(self._problem)

    def _limit_log(self) -> None:
        """Refuse to write while the log exceeds its limit.

        Raises:
            StoreBusy: the log cannot be emptied.
        """
        limit = 3 * self.budget.unit
        if self._files is None or self.budget.file is None or self._files.log_bytes() <= limit:
            return
        self.trimming.checkpoint()
        if not self.trimming.is_log_empty:
            raise StoreBusy("the store's write-ahead log cannot be emptied: readers use it, or the disk is full")

    def write(self, works: list[Work]) -> list[int | None]:
        """See ``Writer.write``. When it returns, the work is written to the file that is at the path.

        Raises:
            StoreFailed: it is not written.
            StoreBusy: it is not written, because the log is too large.
        """
        self.ensure_open()
        self._limit_log()
        try:
            new = self.parts.writer.write(works)
        except sqlite3.Error as error:
            raise self.failed(error) from error
        self.check_files()
        self.trimming.count(works)
        return new

    def check_files(self) -> None:
        """Check that the open file is the one at the path, and that no other program changed it.

        Raises:
            StoreFailed: it is not; a new file is opened, at once or as soon as possible.
        """
        if self._files is None or self._problem is not None:
            return
        change = self._files.detect_change()
        if change is None or (change is FileChange.TOUCHED and self._is_sound()):
            return
        self._replace(change, change.value)
        raise StoreFailed(f"the store {self._path} {change.value}; this request is not stored (send it again)")

    def failed(self, error: sqlite3.Error) -> StoreFailed:
        """Handle an error of the database; answer the exception for the caller that waits."""
        try:
            self.check_files()
        except StoreFailed as replaced:
            return replaced
        if is_damage(error) and self._files is not None:
            self._replace(FileChange.TOUCHED, f"is damaged: {error}")
        elif is_no_room(error) and self._reserve is not None:
            self._note_full(str(error))
        return StoreFailed(f"the store failed: {error}")

    def examine(self) -> None:
        """A read reported damage: check whether the file is damaged.

        Raises:
            StoreFailed: it is put aside, or another program changed it.
        """
        self.check_files()
        if self._files is not None and self._problem is None and not self._is_sound():
            self._replace(FileChange.TOUCHED, "is damaged")
            raise StoreFailed(f"the store {self._path} is damaged")

    def maintain(self) -> None:
        """Enforce the limits, handle a full disk, and open the store if none is open. Raises nothing."""
        try:
            self.ensure_open()
            self.check_files()
            if self.is_full:
                self._make_room()
            else:
                self.trimming.trim()
            if self.parts.outbox.names and not self.parts.outbox.is_followed:  # writing the followers failed before
                self.parts.outbox.follow(self.parts.outbox.names)
        except sqlite3.Error as error:
            self.failed(error)
        except (StoreFailed, StoreBusy):
            pass

    # Damage

    def _is_sound(self) -> bool:
        """Whether the structure of the file is intact. If so, its current state is remembered as known."""
        assert self._files is not None
        try:
            connection = self.parts.connection if self.is_exclusive else connect_reader(self._files.path)
            try:
                (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            finally:
                if connection is not self.parts.connection:
                    connection.close()
        except sqlite3.Error as error:
            if is_damage(error):
                return False
            raise
        self._files.remember_written()
        return bool(answer == "ok")

    def _replace(self, change: FileChange, why: str) -> None:
        """Close the open file, and open the one at the path or a new one."""
        assert self._files is not None
        log.error("the store %s %s%s", self._path, why, change.consequence)
        with self._readers.paused(_PATIENCE_S):
            self._readers.close_all()
            if change is FileChange.LOG_GONE:
                self._save_log()
            elif change in (FileChange.GONE, FileChange.REPLACED):
                self._files.remove_log()
            else:
                self._put_aside(why)
            self._last_attempt = 0.0
            self._open_again()

    def _save_log(self) -> None:
        """The log is unlinked but still open: write its content into the database file."""
        assert self._files is not None
        try:
            self.parts.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        except sqlite3.Error as error:
            log.error("the log's content is lost: %s", error)  # noqa: TRY400 -- one line says it
        self.parts.close()
        self._files.remove_index()

    def _put_aside(self, why: str) -> None:
        assert self._files is not None
        try:
            aside = self._files.put_aside()
        except OSError as error:
            log.error("the store %s %s and cannot be renamed: %s", self._path, why, error.strerror)  # noqa: TRY400
            return
        log.error("the store %s %s: it is kept as %s, and a new store is started", self._path, why, aside.name)

    # A full disk

    def _note_full(self, why: str) -> None:
        if not self.budget.reserve or self._reserve is None:
            return
        if not self.is_full:
            log.warning(
                "the disk of the store %s is full (%s): the oldest lifecycles are deleted if there are many, and what"
                " cannot be written is refused",
                self._path,
                why,
            )
            self.trimming.bound_file()
        self.is_full = True
        self._reserve.release()

    def _make_room(self) -> None:
        """Delete the oldest lifecycles, shrink the file by the reserve's size, and allocate the reserve again."""
        assert self._reserve is not None
        assert self._files is not None
        self.trimming.checkpoint(by_force=self._files.log_bytes() > self.budget.unit)
        self.trimming.trim()
        now = time.monotonic()
        if now - self._last_attempt < _RETRY_S:
            return
        self._last_attempt = now
        self.trimming.shrink(self.budget.reserve)
        if self._reserve.allocate():
            self.is_full = False
            self.trimming.free_file()
            log.warning("the disk of the store %s has free space again", self._path)

    @property
    def files(self) -> StoreFiles | None:
        return self._files

    @property
    def readers(self) -> ReaderPool:
        return self._readers

    def close(self) -> None:
        """Close the file. The reserve remains for the next start."""
        self.parts.close()

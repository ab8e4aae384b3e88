"""Keeps the store's files in order: changes by others are noticed, the size is bounded, a full disk is survived.

Everything here runs in the writer's thread, between two transactions.
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
from tenure_server.store.sqlite.file.store_files import Change, StoreFiles
from tenure_server.store.sqlite.read.reader_pool import ReaderPool
from tenure_server.store.sqlite.upkeep.disk_space import Budget, Reserve
from tenure_server.store.sqlite.upkeep.open_parts import Parts
from tenure_server.store.sqlite.upkeep.trimming import Trimming
from tenure_server.store.sqlite.write.writer_thread import Work

log = logging.getLogger("tenure.server")

_AGAIN_S = 0.5  # between two attempts to open a file, or to get the reserve back
_PATIENCE_S = 1.0  # with readings that keep the log from being emptied


class Upkeep:
    """The store's parts, on the file that is there now."""

    def __init__(self, path: Path | None, clock: Callable[[], int], max_bytes: int | None, readers: ReaderPool) -> None:
        """Open the store or make it.

        Raises:
            StoreUnusable: the file cannot be a store.
        """
        self._path = path
        self._clock = clock
        self._readers = readers
        self.budget = Budget.of(max_bytes)
        self._files = StoreFiles(path) if path is not None else None
        self._reserve = (
            None if self._files is None else Reserve(Path(f"{self._files.path}-reserve"), self.budget.reserve)
        )
        self.is_exclusive = path is None  # reads take the connection that writes
        self._trouble: str | None = None  # why there is no store at the moment
        self.is_full = False
        self._tried = 0.0  # monotonic
        self.parts = self._open(None)
        self.trimming = Trimming(self)
        if self._reserve is not None and not self._reserve.allocate():
            self._note_full("the reserve of disk space could not be allocated")

    # Opening

    def _open(self, before: Parts | None) -> Parts:
        """Open what is at the path. On a full disk the reserve is given up, and then shared reading.

        Raises:
            StoreUnusable: that is not possible.
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
        """Take what is at the path now; nothing happens where the last attempt was just now."""
        now = time.monotonic()
        if now - self._tried < _AGAIN_S:
            return
        self._tried = now
        self._readers.close_all()
        self.parts.close()
        try:
            self.parts = self._open(self.parts)
        except (StoreUnusable, OSError) as error:
            if self._trouble is None:
                log.error("the store %s cannot be opened: %s", self._path, error)  # noqa: TRY400 -- one line says it
            self._trouble = str(error)
            return
        if self._trouble is not None:
            log.warning("the store %s accepts lifecycles again", self._path)
        self._trouble = None
        if self._reserve is not None and not self.is_full and not self._reserve.allocate():
            self._note_full("the reserve of disk space could not be allocated")

    # Before and after each transaction

    def ready(self) -> None:
        """Make sure that there is a store to work on.

        Raises:
            StoreFailed: there is none at the moment.
        """
        if self._files is None:
            return
        if self._trouble is not None or self.is_exclusive:
            self._open_again()
        if self._trouble is not None:
            raise StoreFailed(self._trouble)

    def _bound_log(self) -> None:
        """Refuse what would make the log grow past its share.

        Raises:
            StoreBusy: it is so large, and cannot be emptied.
        """
        most = 3 * self.budget.unit
        if self._files is None or self.budget.file is None or self._files.log_bytes() <= most:
            return
        self.trimming.checkpoint()
        if not self.trimming.is_log_empty:
            raise StoreBusy("the store's write-ahead log cannot be emptied: readers use it, or the disk is full")

    def write(self, works: list[Work]) -> list[int | None]:
        """See ``Writer.write``. When it returns, what was written is in the file that is at the path.

        Raises:
            StoreFailed: it is not.
            StoreBusy: it is not, because the log may not grow any more.
        """
        self.ready()
        self._bound_log()
        try:
            new = self.parts.writer.write(works)
        except sqlite3.Error as error:
            raise self.failed(error) from error
        self.look()
        self.trimming.count(works)
        return new

    def look(self) -> None:
        """See whether the file that is open is the one at the path, and as it was left.

        Raises:
            StoreFailed: it is not; another one has been begun, or will be when that is possible.
        """
        if self._files is None or self._trouble is not None:
            return
        change = self._files.change()
        if change is None or (change is Change.TOUCHED and self._is_sound()):
            return
        self._lose(change, change.value)
        raise StoreFailed(f"the store {self._path} {change.value}; this request is not stored (send it again)")

    def failed(self, error: sqlite3.Error) -> StoreFailed:
        """What an error of the database means to whoever waits; the cause is dealt with."""
        try:
            self.look()
        except StoreFailed as lost:
            return lost
        if is_damage(error) and self._files is not None:
            self._lose(Change.TOUCHED, f"is damaged: {error}")
        elif is_no_room(error) and self._reserve is not None:
            self._note_full(str(error))
        return StoreFailed(f"the store failed: {error}")

    def examine(self) -> None:
        """A reading found damage: look whether the file has it.

        Raises:
            StoreFailed: the file is put aside, or was changed by others.
        """
        self.look()
        if self._files is not None and self._trouble is None and not self._is_sound():
            self._lose(Change.TOUCHED, "is damaged")
            raise StoreFailed(f"the store {self._path} is damaged")

    def maintain(self) -> None:
        """Hold the bounds; deal with a full disk; open the store where there is none. Raises nothing."""
        try:
            self.ready()
            self.look()
            if self.is_full:
                self._make_room()
            else:
                self.trimming.trim()
            if self.parts.outbox.names and not self.parts.outbox.is_followed:  # it could not be noted before
                self.parts.outbox.follow(self.parts.outbox.names)
        except sqlite3.Error as error:
            self.failed(error)
        except (StoreFailed, StoreBusy):
            pass

    # Damage

    def _is_sound(self) -> bool:
        """Whether the structure of the file is whole; then it is known as it is now."""
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

    def _lose(self, change: Change, why: str) -> None:
        """Let go of the open file and take what is at the path, or begin a fresh one."""
        assert self._files is not None
        log.error("the store %s %s%s", self._path, why, change.consequence)
        with self._readers.paused(_PATIENCE_S):
            self._readers.close_all()
            if change is Change.LOG_GONE:
                self._rescue()
            elif change in (Change.GONE, Change.REPLACED):
                self._files.remove_log()
            else:
                self._put_aside(why)
            self._tried = 0.0
            self._open_again()

    def _rescue(self) -> None:
        """The log is unlinked but still open: bring what it has into the database file."""
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
        """Delete the oldest until the file has room within, give the reserve's size back, and take it again."""
        assert self._reserve is not None
        assert self._files is not None
        self.trimming.checkpoint(by_force=self._files.log_bytes() > self.budget.unit)
        self.trimming.trim()
        now = time.monotonic()
        if now - self._tried < _AGAIN_S:
            return
        self._tried = now
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
        """Close the file. The reserve stays for the next start."""
        self.parts.close()

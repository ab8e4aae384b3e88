"""A second collector on one file is refused, whatever name it gives the file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.server.support.batches import Program
from tests.server.support.collector import Clock

from tenure_server.errors import StoreUnusable
from tenure_server.store.sqlite import SqliteStore
from tenure_server.store.sqlite.file import locking
from tenure_server.store.sqlite.file.connection import connect
from tenure_server.store.sqlite.file.locking import Lock


@pytest.mark.parametrize("link", ["symbolic", "hard"])
@pytest.mark.parametrize("without", ["", "-lock"])
async def test_a_second_collector_is_refused_whatever_name_it_uses(
    tmp_path: Path, clock: Clock, link: str, without: str
) -> None:
    """By a link in another directory too, and with the lock's file deleted."""
    path = tmp_path / "state" / "store.sqlite"
    path.parent.mkdir()
    store = SqliteStore(path, clock)
    other = tmp_path / "link.sqlite"
    if link == "hard":
        other.hardlink_to(path)
    else:
        other.symlink_to(path)
    if without:
        path.with_name(path.name + without).unlink()
    for name in (path, other):
        with pytest.raises(StoreUnusable, match="in use by another collector"):
            SqliteStore(name)
    program = Program(2)
    program.use("main", "Lock stock", acquire=0, wait=1, hold=1, release=1)
    await store.write(program.batch())  # and the first is not hurt by it
    await store.close()


def test_the_lock_on_a_file_is_seen_by_other_processes(tmp_path: Path) -> None:
    """By its inode, under any name, and no longer than the first one has it."""
    path, other = tmp_path / "store.sqlite", tmp_path / "other.sqlite"
    connect(path).close()
    path.touch()
    other.hardlink_to(path)
    lock = Lock(path)
    child = os.fork()
    if not child:
        locking._locked.clear()
        try:
            Lock(other)
        except StoreUnusable:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    lock.release()
    Lock(other).release()

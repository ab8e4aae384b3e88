"""Programs of several processes: each recorded one ships as its own, and the others are not touched."""

import sys
from pathlib import Path

import pytest
from tests.tracer.support import programs
from tests.tracer.support.fake_collectors import serving

from tenure import testing

APP = """
import asyncio, multiprocessing, os, sys, threading
from concurrent.futures import ProcessPoolExecutor
import tenure
tenure.install(service="app")  # in children that import this module as well
import work

def child(name):
    asyncio.run(work.main(name))
    return os.getpid()

def by_process(method):
    process = multiprocessing.get_context(method).Process(target=child, args=(method,))
    process.start()
    process.join()
    assert process.exitcode == 0

def by_executor(method):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
        assert pool.submit(child, method).result() != os.getpid()

def fork():
    pid = os.fork()
    if pid:
        assert os.waitpid(pid, 0)[1] == 0
        return
    thread = threading.Thread(target=child, args=("child",))  # in this one runs the parent's loop still
    thread.start()
    thread.join()
    tenure.uninstall()
    os._exit(0)

if __name__ == "__main__":
    way, method = sys.argv[1:]
    if way == "fork":
        asyncio.run(work.main("parent", fork))
    else:
        {"process": by_process, "executor": by_executor}[way](method)
        child("parent")
"""

WORK = """
class Manager:
    def __init__(self, name): self.name = name
    async def __aenter__(self): return self
    async def __aexit__(self, *details): pass
async def main(name, inside=lambda: None):
    async with Manager(name):
        inside()
"""


def names_by_process(tmp_path: Path, way: str, method: str) -> list[tuple[int, bool]]:
    """Of every process that shipped lifecycles: how many, and whether it said goodbye."""
    programs.write(tmp_path, app=APP, work=WORK)
    with serving() as server:
        done = programs._run(tmp_path, [sys.executable, "app.py", way, method], "", TENURE_COLLECTOR=server.url)
        assert done == (0, "", "")
        received = list(server.received)
    found: dict[bytes, tuple[int, bool]] = {}
    pids = set()
    for batch in received:
        closed = sum(row.release is not None for row in testing.lifecycles_of(batch))
        count, final = found.get(batch.process.id, (0, False))
        found[batch.process.id] = count + closed, final or batch.final
        pids.add(batch.process.pid)
    assert len(pids) == len(found)
    return sorted(entry for entry in found.values() if entry[0])


@pytest.mark.parametrize("way", ["process", "executor"])
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_of_multiprocessing_ships_as_its_own_process(tmp_path: Path, way: str, method: str) -> None:
    """However it is started: one lifecycle each, and each says goodbye."""
    assert names_by_process(tmp_path, way, method) == [(1, True), (1, True)]


def test_a_fork_within_a_running_loop_leaves_both_recording(tmp_path: Path) -> None:
    """What the parent held when it forked is the parent's alone."""
    assert names_by_process(tmp_path, "fork", "") == [(1, True), (1, True)]

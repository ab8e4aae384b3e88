"""An allocation fails while a lifecycle is recorded: the program gets a MemoryError or nothing."""

from pathlib import Path

import pytest
from tests.tracer.support import programs

pytest.importorskip("_testcapi", reason="this interpreter has no means to let allocations fail")

# Each round lets a few allocations fail, later ones each time, while managers are entered and left.
PROGRAM = """
import asyncio
import _testcapi

class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): return None
    def __enter__(self): return self
    def __exit__(self, *details): return None

async def statements(manager, lock, error):
    async with manager, lock:
        pass
    with manager:
        pass
    try:
        async with manager:
            raise error
    except KeyError:
        pass

async def calls(manager, lock, error):
    await lock.acquire()
    lock.release()

async def fails_from(at, use):
    manager, lock, error = Manager(), asyncio.Lock(), KeyError("body")
    await use(manager, lock, error)
    coroutine = use(manager, lock, error)
    _testcapi.set_nomemory(at, at + 4)
    try:
        await coroutine
    finally:
        _testcapi.remove_mem_hooks()
    if lock.locked():
        raise SystemError("the lock is held")

async def main():
    ends = set()
    for use in statements, calls:
        for at in range(ROUNDS):
            try:
                await fails_from(at, use)
                ends.add("as ever")
            except MemoryError:
                ends.add("MemoryError")
            except BaseException as error:
                ends.add(f"{type(error).__name__}: {error}")
    print(sorted(ends))

asyncio.run(main())
"""
ROUNDS = 120


@pytest.mark.parametrize("probe", ["native", "python"])
def test_failing_allocations_are_no_more_than_memory_errors(tmp_path: Path, probe: str) -> None:
    """No crash, no SystemError and no lock that stays held, whichever allocations fail; the program ends as ever."""
    programs.write(tmp_path, app=PROGRAM.replace("ROUNDS", str(ROUNDS)))
    done = programs.tenure(tmp_path, "run", "--sync", "-o", "x.json", "app.py", TENURE_PROBE=probe)
    assert (done.status, done.stdout) in [(0, "['MemoryError', 'as ever']\n"), (0, "['as ever']\n")], done
    assert "Traceback" not in done.stderr
    assert programs.recorded(tmp_path / "x.json")

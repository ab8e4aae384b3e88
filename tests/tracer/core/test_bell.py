"""The bell and the hand-over, with each probe: each program has its own process, and its own shipping thread."""

import textwrap
import threading
import time
from pathlib import Path

import pytest
from tests.tracer.support import programs

from tenure import testing, wire
from tenure._assembly import ledger
from tenure._core import bell
from tenure._core.bell import PythonBell

MANAGER = """
import asyncio, os, signal, sys, threading, time
from tenure._core import buffer

class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): return None

async def rounds(count):
    manager = Manager()
    for _ in range(count):
        async with manager:
            pass
"""
pytestmark = pytest.mark.parametrize("probe", ["native", "python"])


def shipped(folder: Path, app: str, probe: str, expected: int) -> None:
    """Run the program: each lifecycle is shipped once and in order, or counted as lost."""
    programs.write(folder, app=MANAGER + textwrap.dedent(app))
    done = programs.tenure(folder, "run", "-o", "x.json", "app.py", TENURE_PROBE=probe)
    assert (done.status, done.stdout) == (0, "done\n"), done.stderr
    batches = programs.recorded(folder / "x.json")
    rows = [row for batch in batches for row in testing.lifecycles_of(batch)]
    ids = list(dict.fromkeys(row.id for row in rows))  # one that was open at a flush is shipped again
    closed = [row.id for row in rows if row.release is not None]
    assert ids == sorted(ids)
    assert sorted(closed) == ids
    assert len(ids) + max(sum(batch.dropped.values()) for batch in batches) == expected
    assert ids


def test_the_program_hands_over(probe: str, tmp_path: Path) -> None:
    """Nobody else gets the interpreter by force, so whoever takes the entries was let in."""
    app = """
    async def main():
        await asyncio.sleep(0.05)
        sys.setswitchinterval(1000)
        for turn in range(200):
            before = buffer.waiting()
            await rounds(1_000)
            if buffer.waiting() < before:
                break
        else:
            print("nobody took them")
        sys.setswitchinterval(0.005)

    buffer.set_limit(1_000_000)
    asyncio.run(main())
    print("done")
    """
    programs.write(tmp_path, app=MANAGER + textwrap.dedent(app))
    assert programs.tenure(tmp_path, "run", "-o", "x.json", "app.py", TENURE_PROBE=probe) == (0, "done\n", "")


def test_a_signal_within(probe: str, tmp_path: Path) -> None:
    """Its handler enters managers itself, also where the program's thread has just handed over."""
    shipped(
        tmp_path,
        """
        inner = []

        def handle(number, frame):
            inner.append(1)
            try:
                rounds(20).send(None)
            except StopIteration:
                pass

        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
        total = 0
        while len(inner) < 20 or total < 70_000:
            asyncio.run(rounds(10_000))
            total += 10_000
        signal.setitimer(signal.ITIMER_REAL, 0)
        asyncio.run(rounds(200_000 - total - 20 * len(inner)))
        print("done")
        """,
        probe,
        200_000,
    )


def test_threads(probe: str, tmp_path: Path) -> None:
    shipped(
        tmp_path,
        """
        threads = [threading.Thread(target=asyncio.run, args=(rounds(35_000),)) for _ in range(3)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print("done")
        """,
        probe,
        105_000,
    )


def test_a_fork_within(probe: str, tmp_path: Path) -> None:
    """A thread hands over while the main thread forks; the children hand over to threads of their own."""
    app = """
    thread = threading.Thread(target=asyncio.run, args=(rounds(150_000),))
    thread.start()
    children = []
    while thread.is_alive() and len(children) < 3:
        if (child := os.fork()) == 0:
            asyncio.run(rounds(65_000))
            os._exit(0)
        children.append(child)
        time.sleep(0.03)
    thread.join()
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * len(children)
    print("done")
    """
    programs.write(tmp_path, app=MANAGER + textwrap.dedent(app))
    done = programs.tenure(tmp_path, "run", "-o", "x.json", "app.py", TENURE_PROBE=probe)
    assert (done.status, done.stdout) == (0, "done\n"), done.stderr


def test_the_interpreter_ends_meanwhile(probe: str, tmp_path: Path) -> None:
    """A daemon thread enters managers without end, and hands over whenever it can."""
    app = """
    threading.Thread(target=asyncio.run, args=(rounds(10**9),), daemon=True).start()
    time.sleep(0.2)
    print("done")
    """
    programs.write(tmp_path, app=MANAGER + textwrap.dedent(app))
    done = programs.tenure(tmp_path, "run", "-o", "x.json", "app.py", TENURE_PROBE=probe)
    assert (done.status, done.stdout) == (0, "done\n"), done.stderr


def test_a_stall_after_rest(probe: str, tmp_path: Path) -> None:
    """The loop has waited for so long that nobody looks at it any more; its next callback stands still."""
    app = """
    async def main():
        asyncio.get_running_loop().call_later(0.9, time.sleep, 0.3)
        await asyncio.sleep(1.3)
    asyncio.run(main())
    """
    programs.write(tmp_path, app=MANAGER + textwrap.dedent(app))
    assert programs.tenure(tmp_path, "run", "-o", "x.json", "app.py", TENURE_PROBE=probe).status == 0
    stalls = [stall for batch in programs.recorded(tmp_path / "x.json") for stall in batch.stalls]
    assert {stall.begin_ns for stall in stalls} == {stalls[0].begin_ns}
    assert stalls[-1].is_over
    assert 0.2e9 <= stalls[-1].duration_ns < 0.6e9


def test_the_bell_wakes(probe: str) -> None:
    """At once while the shipping thread waits, and where it rang before the wait; else the time passes."""
    one = PythonBell() if probe == "python" else bell._bell
    heard: list[tuple[int, int]] = []

    def attend() -> None:
        one.attend(True)
        waits.set()
        for seconds in (60.0, 60.0, 0.05):
            heard.append(one.wait(seconds, min(seconds, 60.0), ()))
            waits.set()
        one.attend(False)

    waits = threading.Event()
    one.ring()  # before anybody attends
    thread = threading.Thread(target=attend)
    thread.start()
    while not heard:
        time.sleep(0.001)
    one.ring()
    thread.join(10)
    assert not thread.is_alive()
    assert heard[0] == heard[1] == (0, 60_000_000_000)
    assert heard[2][0] >= 0.05e9


def test_a_thread_that_computes_ends_the_wait(probe: str) -> None:
    one = PythonBell() if probe == "python" else bell._bell
    one.attend(True)
    try:
        clock = time.pthread_getcpuclockid(threading.get_ident())
        same = time.clock_gettime_ns(time.CLOCK_REALTIME)
        quiet_ns, due_ns = one.wait(60.0, 0.01, ((clock, same),))
    finally:
        one.attend(False)
    assert (quiet_ns, due_ns) == (0, 10_000_000)


def test_a_batch_has_as_many_rows_as_the_wire_lets_it(probe: str) -> None:
    assert probe
    assert ledger.ROWS_A_BATCH == wire.MAX_ROWS

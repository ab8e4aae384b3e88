"""Who waits has no bar, and its note names whom the wait is for: the kinds of waits that programs have."""

from __future__ import annotations

from tests.golden.diagram.rules import Reader
from tests.golden.diagram.scenario import Scenario

from tenure_server.diagram.steps import Activate, Begin, Note, Step
from tenure_server.model.lens import Lens
from tenure_server.model.records import ResourceRef


def _waits(steps: list[Step]) -> list[str]:
    return [step.text for step in steps if isinstance(step, Note) and step.kind == "wait"]


def _pool(s: Scenario, places: int) -> ResourceRef:
    return s.resource("asyncpg.pool.Pool", "", places, "database")


def _semaphore(s: Scenario, places: int) -> ResourceRef:
    return s.resource("asyncio.locks.Semaphore", "upstream", places, "control")


def test_a_report_that_takes_a_second_connection() -> None:
    """Five tasks, three places: three have bars, and all that wait say for whom, the first two while it connects."""
    s = Scenario()
    pool = _pool(s, 3)
    tasks = [s.task(f"report-{n}", "build_report") for n in range(5)]
    outer = [s.use(tasks[n], pool, (n / 10, 12 + n / 10 if n < 3 else None, None, None), line=16) for n in range(5)]
    for n in range(3):
        s.use(tasks[n], pool, (60 + n, None, None, None), inside=outer[n], line=9)
    steps = s.draw(now=3000)
    assert len(Reader().read(steps).active) == 3
    assert [step.lifecycle for step in steps if isinstance(step, Activate)] == [use.id for use in outer[:3]]
    first = "waits for report-0 (build_report.py:16) and 2 more"
    assert _waits(steps) == [
        f"{first}, connecting at first, 3.00 s",
        f"{first}, connecting at first, 1 ahead, 3.00 s",
        "waits for itself (build_report.py:16) and 2 more, 2 ahead, 2.94 s",
        f"{first}, 3 ahead, 2.94 s",
        f"{first}, 4 ahead, 2.94 s",
    ]


def test_a_pool_that_still_connects() -> None:
    """Those for whom connections are made wait for nobody; the others wait for them, and it is said."""
    s = Scenario()
    pool = _pool(s, 2)
    uses = [s.use(s.task(f"report-{n}"), pool, (n, None, None, None)) for n in range(4)]
    assert _waits(s.draw(now=1002)) == [
        "waits for report-0 (report.py:7) and 1 more, still connecting, 1.00 s",
        "waits for report-0 (report.py:7) and 1 more, still connecting, 1 ahead, 999 ms",
    ]
    still = [step.text for step in s.draw(now=1002) if isinstance(step, Note) and step.kind == "open"]
    assert still[:2] == ["still waiting, 1.00 s", "still waiting, 1.00 s"]
    assert still[2] == "still waiting for report-0 (report.py:7) and 1 more, still connecting, 1.00 s"
    s.lifecycles.remove(uses[0])
    s.use(s.task("report-0"), pool, (-1, 0.5, None, None))
    assert _waits(s.draw(now=1002))[0] == "waits for report-0 (report.py:7) and 1 more, 1 still connecting, 1.00 s"


def test_whose_release_ended_a_wait_for_several() -> None:
    """All holders of a semaphore are counted, the first is named, and so is the one that let the waiter in."""
    s = Scenario()
    semaphore = _semaphore(s, 3)
    for n in range(3):
        s.use(s.task(f"worker-{n}"), semaphore, (n, n, 90 - 10 * n, 90 - 10 * n))
    s.use(s.task("worker-3"), semaphore, (5, 70, 100, 100))
    s.use(s.task("worker-4"), semaphore, (6, 80, 100, 100))
    s.use(s.task("worker-5"), semaphore, (7, 90, 100, 100))
    assert _waits(s.draw()) == [
        "waits for worker-0 (worker.py:7) and 2 more 65 ms, until worker-2 released",
        "waits for worker-0 (worker.py:7) and 2 more, 1 ahead, 74 ms, until worker-1 released",
        "waits for worker-0 (worker.py:7) and 2 more, 2 ahead, 83 ms",
    ]


def test_a_slow_release_gives_its_place_to_nobody_before_it_ends() -> None:
    """The release that began first is still going on: the place came from the one that ended."""
    s = Scenario()
    pool = _pool(s, 2)
    s.use(s.task("slow"), pool, (0, 1, 50, 90))
    s.use(s.task("quick"), pool, (0, 2, 60, 61))
    s.use(s.task("waiter"), pool, (10, 61.5, 70, 71))
    assert _waits(s.draw()) == ["waits for slow (slow.py:7) and 1 more 52 ms, until quick released"]


def test_a_holder_that_is_cancelled_while_others_wait() -> None:
    """The wait ends with its release; one that is cancelled itself waited for it just as well."""
    s = Scenario()
    lock = s.resource("asyncio.locks.Lock", "stock", 1, "control")
    s.use(s.task("holder"), lock, (0, 0, 40, 40), body="CancelledError")
    s.use(s.task("waiter-1"), lock, (10, None, None, 30), raised="CancelledError")
    s.use(s.task("waiter-2"), lock, (20, 40, 50, 50))
    steps = s.draw()
    assert _waits(steps) == [
        "waits for holder (holder.py:7) 20 ms",
        "waits for holder (holder.py:7), 1 ahead, 20 ms",
    ]
    assert Reader().read(steps).active == []


def test_a_holder_that_no_record_tells_of_is_not_invented() -> None:
    """Two wait for a lock that unrecorded code holds: neither waits for the other."""
    s = Scenario()
    lock = s.resource("asyncio.locks.Lock", "stock", 1, "control")
    for n in range(2):
        s.use(s.task(f"waiter-{n}"), lock, (n, None, None, None))
    steps = s.draw(now=1001)
    assert _waits(steps) == []
    assert [step.text for step in steps if isinstance(step, Note)] == ["still waiting, 1.00 s", "still waiting, 1.00 s"]


def test_a_free_place_of_a_semaphore_is_waited_for_by_nobody() -> None:
    """One of three places is free: an acquire that takes long has another reason."""
    s = Scenario()
    semaphore = _semaphore(s, 3)
    for n in range(2):
        s.use(s.task(f"worker-{n}"), semaphore, (n, n, 90, 90))
    s.use(s.task("late"), semaphore, (5, 60, 70, 70))
    assert _waits(s.draw()) == []


def test_a_semaphore_without_places_is_a_signal() -> None:
    """Who got the signal gives nothing back: the next one waits for another signal, not for that task."""
    s = Scenario()
    signal = _semaphore(s, 0)
    s.use(s.task("first"), signal, (0, 10, None, None))
    s.use(s.task("second"), signal, (1, None, None, None))
    assert _waits(s.draw(now=1001)) == []


def test_a_lock_that_is_handed_over_is_waited_for() -> None:
    """The next one in line has not woken up yet when another comes: that one waits for it."""
    s = Scenario()
    lock = s.resource("asyncio.locks.Lock", "stock", 1, "control")
    s.use(s.task("first"), lock, (0, 0, 20, 20))
    s.use(s.task("second"), lock, (5, 20.2, 40, 40))
    s.use(s.task("third"), lock, (20.1, 40.1, 50, 50))
    assert _waits(s.draw())[-1] == "waits for second (second.py:7) 20 ms"


def _crowd(s: Scenario, resource: ResourceRef, places: int, first_hold: float) -> None:
    """122 equal workers: the first ones get their places after ``first_hold`` ms, those after them when one is free."""
    main = s.task("main")
    group = s.use(main, s.resource("asyncio.taskgroups.TaskGroup"), (0, 0.01, 1, 5000))
    for n in range(122):
        worker = s.task(f"worker-{n}", by=main, within=group, created=0.1, finished=4000)
        turn = n // places
        acquired = 2 + n / 1000 + first_hold if turn == 0 else 12.5 + n / 1000 + turn * 10
        s.use(worker, resource, (2 + n / 1000, acquired, 12 + n / 1000 + turn * 10, 12.2 + n / 1000 + turn * 10))


def test_a_fold_counts_the_waits_of_all_that_it_stands_for() -> None:
    """14 of 122 wait where 108 have places, and so they do where the pool has to connect first."""
    for make, connecting in ((_semaphore, 0.0), (_pool, 5.0)):
        s = Scenario()
        _crowd(s, make(s, 108), 108, connecting)
        steps = s.draw()
        assert [step.label.partition(" (")[0] for step in steps if isinstance(step, Begin)] == ["122 x worker"]
        (text,) = _waits(steps)
        assert text.startswith("14 of 122 wait for worker-0 (worker.py:7) and 107 more, p50 ")
        assert len(_waits(s.draw(lens=Lens(fold=False)))) == 14

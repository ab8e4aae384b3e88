"""The contract of a store: what tasks await, and loops that stood still. Every backend passes it."""

from __future__ import annotations

import msgspec
import pytest
from tests.server.support.batches import OK, Program, at
from tests.server.support.collector import Clock
from tests.server.support.observed_batches import batch

from tenure_server.errors import BadParameter
from tenure_server.model.records import ResourceRef, Site, TaskRef
from tenure_server.model.waits import Stall, TaskAwait, TaskState, TaskUse
from tenure_server.store import Paging, StallQuery, Store, TaskQuery
from tenure_server.store.sqlite.write import observations


async def awaited(store: Store, query: TaskQuery | None = None) -> dict[str, str | None]:
    tasks = (await store.tasks(query or TaskQuery())).items
    return {task.name: task.awaits and task.awaits.awaited for task in tasks}


async def test_a_task_says_what_it_holds_waits_for_and_awaits(store: Store) -> None:
    program = Program()
    outer = program.use("main", "Pool orders", acquire=0, wait=1, line=11)
    program.use("main", "Lock stock", acquire=5, parent=outer, line=12)
    program.task("worker-1", parent="main", created=4)
    program.tasks["main"] = msgspec.structs.replace(program.tasks["main"], loop=2, thread="MainThread")
    await store.write(batch(program, ("main", 6, "Lock.acquire"), resource="Lock stock"))

    worker, main = (await store.tasks(TaskQuery())).items

    orders = ResourceRef(program.id(1), "shop.Pool", "orders", 1, "control")
    stock = ResourceRef(program.id(2), "shop.Lock", "stock", 1, "control")
    assert main == TaskState(
        id=program.id(1),
        process=program.hex,
        service="shop",
        name="main",
        coroutine="main",
        kind="task",
        open=True,
        parent=None,
        created_ns=at(0),
        finished_ns=None,
        outcome=None,
        loop=2,
        thread="MainThread",
        holds=[TaskUse(program.id(1), orders, Site("shop.py", 11, "main", "orders"), at(1))],
        waits_for=[TaskUse(program.id(2), stock, Site("shop.py", 12, "main", "stock"), at(5))],
        awaits=TaskAwait("Lock.acquire", at(6), Site("shop.py", 71, "producer", "queue.join()"), stock),
    )
    assert (worker.parent, worker.holds, worker.waits_for, worker.awaits) == (TaskRef(main.id, "main"), [], [], None)


async def test_the_latest_counts_and_the_end_of_a_task_ends_it(store: Store) -> None:
    program = Program()
    await store.write(batch(program, ("a", 1, "Queue.join"), ("b", 1, "sleep 3 s"), ("c", 1, "gather")))
    await store.write(batch(program, ("a", 2, "Queue.get"), ("b", 2, "")))
    assert await awaited(store) == {"a": "Queue.get", "b": None, "c": "gather"}
    program.task("c", finished=5, outcome=OK)
    await store.write(batch(program, ("b", 3, "Event.wait")))
    assert await awaited(store) == {"a": "Queue.get", "b": "Event.wait", "c": None}


async def test_a_batch_that_arrives_late_changes_no_await(store: Store) -> None:
    """It says what was awaited before; that a task ended holds."""
    program = Program()
    first = batch(program, ("a", 1, "Queue.join"), ("b", 1, "Queue.join"))
    program.task("b", finished=2, outcome=OK)
    late = batch(program, ("a", 2, "sleep 1 s"))
    program.tasks["b"] = msgspec.structs.replace(program.tasks["b"], finished_ns=None, outcome=0)
    newest = batch(program, ("a", 3, "gather"))
    for each in (first, newest, late, first):
        await store.write(each)
    assert await awaited(store) == {"a": "gather", "b": None}


async def test_tasks_are_filtered_and_paged(store: Store, clock: Clock) -> None:
    first, second = Program(1), Program(2)
    await store.write(batch(first, ("a", 1, "Queue.join"), ("b", 1, "sleep 3 s")))
    clock.set(90_000)  # the first one is silent
    second.task("ended", finished=3, outcome=OK)
    await store.write(batch(second, ("a", 1, "Queue.get"), ("busy", 1, "")))

    async def names(**fields: object) -> list[str]:
        return [task.name for task in (await store.tasks(TaskQuery(**fields))).items]  # type: ignore[arg-type]

    assert await names(process=second.hex) == ["busy", "a", "ended"]
    assert await names(process="ff" * 16) == []
    assert await names(name="a") == ["a", "a"]
    assert await names(open=True) == ["busy", "a"]
    assert await names(open=False) == ["ended", "b", "a"]
    assert await names(awaiting=True) == ["a", "b", "a"]
    assert await names(awaiting=False) == ["busy", "ended"]
    assert await names(awaiting="Queue.") == ["a", "a"]
    assert await names(awaiting="sleep", process=first.hex) == ["b"]

    page = await store.tasks(TaskQuery(paging=Paging(2)))
    assert [task.name for task in page.items] == ["busy", "a"]
    rest = await store.tasks(TaskQuery(paging=Paging(2, page.cursor)))
    assert [task.name for task in rest.items] == ["ended", "b"]
    with pytest.raises(BadParameter):
        await store.tasks(TaskQuery(paging=Paging(2, "1.2.3")))


async def test_a_stall_grows_and_is_over(store: Store) -> None:
    program = Program()
    program.task("main")
    await store.write(batch(program, stalls=((10, 100, False),)))
    await store.write(batch(program, stalls=((10, 350, True), (900, 120, False))))

    newest, first = (await store.stalls(StallQuery())).items
    assert first == Stall(
        process=program.hex,
        service="shop",
        loop=1,
        thread="MainThread",
        begin_ns=at(10),
        duration_ns=350_000_000,
        over=True,
        task=TaskRef(program.id(1), "main"),
        site=Site("shop.py", 71, "producer", "queue.join()"),
        stack=["join (shop.py:71)"],
    )
    assert (newest.begin_ns, newest.over) == (at(900), False)

    async def begins(**fields: object) -> list[int]:
        return [stall.begin_ns for stall in (await store.stalls(StallQuery(**fields))).items]  # type: ignore[arg-type]

    assert await begins(since_ns=at(361)) == [at(900)]
    assert await begins(since_ns=at(359), until_ns=at(900)) == [at(10)]
    assert await begins(process="ff" * 16) == []
    page = await store.stalls(StallQuery(paging=Paging(1)))
    assert await begins(paging=Paging(1, page.cursor)) == [at(10)]


async def test_a_process_keeps_its_newest_stalls(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observations, "MAX_STALLS", 5)
    program = Program()
    program.task("main")
    for begin in range(250):
        await store.write(batch(program, stalls=((begin, 1, True),)))
    kept = [stall.begin_ns for stall in (await store.stalls(StallQuery(paging=Paging(1_000)))).items]
    assert kept[0] == at(249)
    assert len(kept) <= 5 + 100


async def test_retention_takes_old_stalls_and_keeps_what_awaits_name(store: Store, clock: Clock) -> None:
    program = Program()
    program.use("main", "Lock stock", acquire=0, wait=1, hold=1, release=1)
    program.use("main", "Lock gone", acquire=5, wait=1, hold=1, release=1)
    program.task("old", finished=9, outcome=OK)
    await store.write(batch(program, ("main", 6, "Lock.acquire"), resource="Lock stock", stalls=((10, 200, True),)))
    clock.set(70_000)
    program.task("new")
    await store.write(batch(program, stalls=((69_000, 200, True),)))

    assert await store.retain(60_000_000_000, None) == 2

    (main,) = (await store.tasks(TaskQuery(name="main"))).items
    assert main.awaits is not None
    assert main.awaits.resource == ResourceRef(program.id(1), "shop.Lock", "stock", 1, "control")
    assert [stall.begin_ns for stall in (await store.stalls(StallQuery())).items] == [at(69_000)]

    clock.set(10**9)  # the process is dead
    assert await store.retain(60_000_000_000, None) == 0
    assert await store.retain(60_000_000_000, None) == 0
    assert (await store.tasks(TaskQuery())).items == []
    assert (await store.stalls(StallQuery())).items == []

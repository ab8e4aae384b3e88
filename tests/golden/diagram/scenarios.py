"""The programs of the golden diagrams: each function's name is the name of its .mmd file."""

from __future__ import annotations

from collections.abc import Callable

from tests.golden.diagram.cancellation_scenarios import (
    cancelled_acquiring,
    cancelled_by_a_task,
    cancelled_by_asyncio,
    cancelled_held,
    cancelled_releasing,
    timeout,
)
from tests.golden.diagram.scenario import DATABASE, GROUP, Scenario

from tenure_server.diagram.steps import Step
from tenure_server.model.lens import Lens
from tenure_server.model.records import ResourceRef

CANCELLED = "CancelledError"
ACQUIRE = ("acquire", "__aexit__")


def textbook() -> list[Step]:
    """Design section 7: one second to acquire, one print, one second to release."""
    s = Scenario()
    s.use(s.task("main"), s.resource(DATABASE), (0, 1002, 1002.025, 2004))
    return s.draw()


def error_in_the_block() -> list[Step]:
    """The exception goes through an inner and an outer manager and is seen at each."""
    s = Scenario()
    main = s.task("main")
    lost = "shop.errors.Lost: the row of order 17 was deleted by somebody else while we were looking at it"
    outer = s.use(main, s.resource(DATABASE), (0, 1000, 1003, 2003), body=lost)
    s.use(main, s.resource("shop.Transaction"), (1000.1, 1000.2, 1002, 1002.5), inside=outer, line=8, body=lost)
    return s.draw()


def several_resources() -> list[Step]:
    """A file and a network connection in one statement: the first is acquired first and released last."""
    s = Scenario()
    main = s.task("main")
    file = s.use(main, s.resource("shop.File"), (0, 3, 230, 231))
    s.use(main, s.resource("shop.Connection"), (3.01, 120, 200, 229.9), inside=file)
    return s.draw()


def suppressed() -> list[Step]:
    """The manager's __aexit__ returned true: the exception ended there."""
    s = Scenario()
    s.use(s.task("main"), s.resource("shop.Forgiving"), (0, 0.01, 5, 5.01), body="KeyError: 'id'", suppressed=True)
    return s.draw()


def failing_acquire() -> list[Step]:
    """The body never ran."""
    s = Scenario()
    s.use(s.task("main"), s.resource(DATABASE), (0, None, None, 1000), raised="ConnectionError: refused")
    return s.draw()


def failing_release() -> list[Step]:
    """A release that raises an exception of its own hides the body's."""
    s = Scenario()
    s.use(
        s.task("main"), s.resource(DATABASE), (0, 10, 30, 530), body="ValueError: out of stock", raised="TimeoutError"
    )
    return s.draw()


def order() -> list[Step]:
    """One order of a shop: a pool held twice, a wait, a failure that spreads to the task group, a folded loop."""
    s = Scenario()
    main = s.task("main")
    failure = "ValueError: out of stock"
    unhandled = "ExceptionGroup: unhandled errors in a TaskGroup (1 sub-exception)"
    group = s.use(main, s.resource(GROUP), (0, 0.01, 600, 721), raised=unhandled)
    one = s.task("reserve-1", by=main, within=group, created=0.1, finished=124.5)
    two = s.task("reserve-2", by=main, within=group, created=0.2, finished=130, fails=failure)
    pool, stock = s.resource("asyncpg.pool", "orders", 2, "database"), _lock(s, "stock")
    first = s.use(one, pool, (0.3, 1.5, 124, 124.3), calls=ACQUIRE, line=38)
    second = s.use(two, pool, (1.6, 2.9, 129, 129.4), calls=ACQUIRE, line=38, body=failure)
    s.use(one, stock, (3.0, 3.01, 121, 121.05), inside=first, module="stock", line=41)
    s.use(two, stock, (3.1, 123.1, 128, 128.05), inside=second, module="stock", line=41, body=failure)
    limit = s.resource("asyncio.timeouts.timeout", "0.5 s")
    for i in range(120):
        begin, hold = 131 + i * 3.9, 8.9 if i < 7 else 3
        begin += 0 if i < 7 else 50
        s.use(main, limit, (begin, begin + 0.1, begin + hold + 0.1, begin + hold + 0.2), inside=group)
    return s.draw()


def queue() -> list[Step]:
    """Several wait for one lock: each says for whom, and how many had come before."""
    s = Scenario()
    lock = _lock(s, "stock")
    ends = [0.01, 100, 200, 300]
    for i, name in enumerate(("worker-1", "worker-2", "worker-3", "worker-4")):
        s.use(s.task(name), lock, (i, ends[i], ends[i] + 99, ends[i] + 99.01), line=41)
    return s.draw()


def crowded_pool() -> list[Step]:
    """All places of a pool are taken: the one who has held for longest is named, and the others are counted."""
    s = Scenario()
    pool = s.resource("shop.db.Pool", "orders", 3, "database")
    for i in range(3):
        s.use(s.task(f"worker-{i + 1}"), pool, (i, i + 0.2, 50 + i, 50.3 + i), calls=ACQUIRE)
    s.use(s.task("worker-4"), pool, (10, 50.4, 60, 61), calls=ACQUIRE)
    return s.draw()


def still_open() -> list[Step]:
    """One holds, one waits for it, one does not come out of its release, one held when its task ended."""
    s = Scenario()
    main, lock = s.task("main"), _lock(s, "stock")
    s.use(main, s.resource(DATABASE), (0, 10, 500, None))
    s.use(s.task("worker-1", by=main, created=20), lock, (21, 21.01, None, None), line=41)
    s.use(s.task("worker-2", by=main, created=22), lock, (1000, None, None, None), line=41)
    s.use(s.task("worker-3", by=main, created=23), lock, (2000, None, None, None), line=41)
    s.use(s.task("leaky-1", by=main, created=24, finished=3000), s.resource(DATABASE), (25, 26, None, None))
    return s.draw(now=32_021)


def abandoned() -> list[Step]:
    """The process died with three things open."""
    s = Scenario()
    main = s.task("main")
    connection = s.use(main, s.resource(DATABASE), (0, 10, None, None), phase="abandoned")
    lock = _lock(s, "stock")
    s.use(main, lock, (20, 20.01, 40, None), inside=connection, phase="abandoned")
    s.use(s.task("worker-1"), lock, (30, None, None, None), phase="abandoned")
    return s.draw(now=60_000)


def loops() -> list[Step]:
    """A run of one use, a run of two in turn with something inside, and two uses that are too few to fold."""
    s = Scenario()
    main, lock = s.task("main"), _lock(s, "stock")
    for i in range(120):
        s.use(main, lock, (i * 10, i * 10 + 0.01, i * 10 + 3 + (i > 110) * 6, i * 10 + 9.5))
    file, connection = s.resource("shop.File"), s.resource("shop.Connection")
    for i in range(2000, 2400, 100):
        s.use(main, file, (i, i + 1, i + 10, i + 11), line=9)
        outer = s.use(main, connection, (i + 20, i + 21, i + 50, i + 52), line=10)
        s.use(main, lock, (i + 22, i + 22.01, i + 23, i + 23.01), inside=outer, line=11)
    for i in (3000, 3100):
        s.use(main, file, (i, i + 1, i + 10, i + 11), line=13)
    return s.draw()


def loop_that_fails() -> list[Step]:
    """Equal failures fold too, and a different one breaks the run."""
    s = Scenario()
    main, database = s.task("main"), s.resource(DATABASE)
    for i in range(9):
        refused = "TimeoutError" if i == 4 else f"ConnectionError: attempt {i} was refused"
        s.use(main, database, (i * 10, None, None, i * 10 + 5 + i), raised=refused)
    return s.draw()


def par() -> list[Step]:
    """Fifty equal workers of one task group, and one that failed."""
    s = Scenario()
    main = s.task("main")
    group = s.use(main, s.resource(GROUP), (0, 0.01, 6, 200))
    limit = s.resource("asyncio.locks.Semaphore", "upstream", 10, "control")
    for i in range(51):
        fails = "ValueError: out of stock" if i == 20 else None
        end = 20 + i * 3
        task = s.task(f"worker-{i + 1}", by=main, within=group, created=i / 10 + 0.1, finished=end, fails=fails)
        begin = max(6, end - 18)
        s.use(task, limit, (6 + i / 100, begin + i / 100 + 0.01, end - 1, end - 0.99), body=fails)
    return s.draw()


def crowded_par() -> list[Step]:
    """Equal workers that wait for each other: the fold says how many had to, and for how long."""
    s = Scenario()
    main, lock = s.task("main"), _lock(s, "stock")
    group = s.use(main, s.resource(GROUP), (0, 0.01, 6, 200))
    for i in range(5):
        task = s.task(f"worker-{i + 1}", by=main, within=group, created=i / 10 + 0.1, finished=20 + i * 10)
        s.use(task, lock, (7 + i / 10, 9.1 + i * 10 if i else 7.01, 19 + i * 10, 19.01 + i * 10))
    return s.draw()


def nested_tasks() -> list[Step]:
    """A task creates tasks: each column is right of its creator's, and ends where it reports to."""
    s = Scenario()
    main = s.task("main")
    fetch = s.task("fetch-1", by=main, created=1, finished=90)
    group = s.use(fetch, s.resource(GROUP), (2, 2.01, 4, 80))
    for i, end in enumerate((50, 70)):
        part = s.task(f"part-{i + 1}", by=fetch, within=group, created=3 + i / 10, finished=end)
        s.use(part, s.resource(DATABASE, f"replica_{i}", stereotype="database"), (5 + i, 10, end - 9, end - 5))
    late = s.task("audit-1", by=fetch, created=85, finished=120)
    s.use(late, _lock(s, "audit"), (86, 86.01, 110, 110.01))
    return s.draw()


def unknown_creator() -> list[Step]:
    """Of a task only its name is known: its column stands from the top, with no arrow to it."""
    s = Scenario()
    s.use(s.task("worker-7"), _lock(s, "stock"), (0, 0.01, 3, 3.01))
    s.tasks.clear()
    return s.draw()


def thread() -> list[Step]:
    """Outside a task the thread is the one who holds."""
    s = Scenario()
    s.use(
        s.task("MainThread", kind="thread"),
        s.resource("shop.Settings"),
        (0, 0.2, 9, 9.01),
        calls=("__enter__", "__exit__"),
    )
    return s.draw()


def two_processes() -> list[Step]:
    """Columns of one name in two processes are told apart by the service."""
    shop, stock = Scenario("a1", "shop"), Scenario("b2", "stock")
    shop.use(shop.task("main"), _lock(shop, "order"), (0, 0.01, 30, 30.01))
    stock.use(stock.task("main"), _lock(stock, "order"), (10, 10.01, 20, 20.01))
    shop.lifecycles += stock.lifecycles
    shop.tasks |= stock.tasks
    return shop.draw()


def grouped() -> list[Step]:
    """Through a lens that groups: one column a coroutine, one column a kind."""
    s = Scenario()
    main = s.task("main")
    for i in range(2):
        task = s.task(f"worker-{i + 1}", by=main, created=i, finished=50 + i)
        s.use(task, _lock(s, f"shelf_{i}"), (5 + i, 5.01 + i, 40 + i, 40.01 + i))
    return s.draw(lens=Lens(tasks="coroutine", resources="kind"))


def hostile_names() -> list[Step]:
    """Names are data, whatever they look like."""
    s = Scenario()
    task = s.task("wrap: end; %%{init}%% <b>\nloop #35; \u202eevil")
    s.use(
        task, s.resource("shop.Thing", "participant p9 as x\nNote over p1: boo"), (0, 1, 2, 3),
        calls=("a;b", "#quot;"), body="ValueError: }} --> ]]\r\nend",
    )  # fmt: skip
    return s.draw()


def nothing() -> list[Step]:
    """No lifecycle at all."""
    return Scenario().draw()


def _lock(s: Scenario, name: str) -> ResourceRef:
    return s.resource("asyncio.locks.Lock", name, 1, "control")


def requests() -> list[Step]:
    """A request ends with the status of its response. 5xx is an error; only equal statuses are folded."""
    s = Scenario()
    request = ("request", "response")
    route = s.resource("aiohttp.web.Request", "GET /orders/{id}")
    statuses = [(200, None), (404, None), (503, None), (500, "shop.errors.Lost: order 17"), (None, None)]
    for number, (status, error) in enumerate(statuses):
        times = number * 10.0, number * 10.0, number * 10.0 + 5, number * 10.0 + 5
        s.use(s.task("request"), route, times, calls=request, body=error, status=status)
    main = s.task("main")
    for number in range(6):
        times = 100.0 + number, 100.0 + number, 100.5 + number, 100.5 + number
        s.use(main, route, times, calls=request, status=200 if number < 3 else 404)
    span = s.resource("http", "payments")
    for number, (status, error) in enumerate([(200, None), (500, "500: no answer")]):
        times = 200.0 + number * 10, 200.0 + number * 10, 205.0 + number * 10, 205.0 + number * 10
        s.use(main, span, times, calls=("GET", ""), body=error, status=status)
    return s.draw()


SCENARIOS: dict[str, Callable[[], list[Step]]] = {
    scenario.__name__: scenario
    for scenario in (
        *(textbook, error_in_the_block, several_resources, suppressed, failing_acquire, failing_release),
        *(cancelled_acquiring, cancelled_held, cancelled_releasing, cancelled_by_a_task, cancelled_by_asyncio, timeout),
        *(order, queue, crowded_pool, still_open, abandoned),
        *(loops, loop_that_fails, par, nested_tasks, crowded_par, unknown_creator, thread, two_processes, grouped),
        *(requests, hostile_names, nothing),
    )
}

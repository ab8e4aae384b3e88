"""The programs of the golden diagrams: each function's name is the name of its .mmd file."""

from __future__ import annotations

from collections.abc import Callable

from tests.golden.diagram.scenario import Scenario

DATABASE = "shop.AsyncDatabaseConnection"
LOCK = "asyncio.locks.Lock"
CANCELLED = "CancelledError"


def textbook() -> str:
    """Design section 7: one second to acquire, one print, one second to release."""
    s = Scenario()
    s.use(s.task("main"), s.resource(DATABASE), (0, 1002, 1002.025, 2004))
    return s.mermaid()


def order() -> str:
    """One order of a shop: a pool held twice, a wait, a failure that spreads to the task group, a folded loop."""
    s = Scenario()
    main = s.task("main")
    group = s.use(main, s.resource("asyncio.taskgroups.TaskGroup"), (0, 0.01, 950, 1071))
    one = s.task("reserve-1", by=main, within=group, created=0.1, finished=121.1)
    two = s.task("reserve-2", by=main, within=group, created=0.2, finished=125, fails="ValueError: out of stock")
    pool = s.resource("asyncpg.pool", "orders", 2, "database")
    stock = s.resource(LOCK, "stock", 1, "control")
    acquire = ("acquire", "__aexit__")
    first = s.use(one, pool, (0.3, 1.5, 120.5, 120.8), calls=acquire, line=38)
    second = s.use(two, pool, (0.4, 1.7, 123, 123.4), calls=acquire, line=38)
    s.use(one, stock, (1.8, 1.81, 119.8, 119.85), inside=first, line=41)
    s.use(two, stock, (1.9, 121.9, 122, 122.05), inside=second, line=41, body="ValueError: out of stock")
    s.lifecycles[1] = s.lifecycles[1]
    return s.mermaid()


SCENARIOS: dict[str, Callable[[], str]] = {scenario.__name__: scenario for scenario in (textbook, order)}

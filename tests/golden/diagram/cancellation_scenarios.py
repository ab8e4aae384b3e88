"""The programs of the golden diagrams in which something is cancelled."""

from __future__ import annotations

from tests.golden.diagram.scenario import DATABASE, GROUP, Scenario, cancelled

from tenure_server.diagram.steps import Step

CANCELLED = "CancelledError"


def cancelled_acquiring() -> list[Step]:
    """Cancellation while it waited for nobody in particular, and while it stood in a queue."""
    s = Scenario()
    s.use(s.task("main"), s.resource(DATABASE), (0, None, None, 20), raised=CANCELLED)
    lock = s.resource("asyncio.locks.Lock", "stock", 1, "control")
    s.use(s.task("holder"), lock, (21, 21.01, 90, 90.01))
    s.use(s.task("waiter"), lock, (30, None, None, 50), raised=CANCELLED)
    return s.draw()


def cancelled_held() -> list[Step]:
    """Cancellation in the body: it goes on after the release."""
    s = Scenario()
    s.use(s.task("main"), s.resource(DATABASE), (0, 10, 30, 31), body=CANCELLED)
    return s.draw()


def cancelled_releasing() -> list[Step]:
    """Cancellation in __aexit__ itself."""
    s = Scenario()
    s.use(s.task("main"), s.resource(DATABASE), (0, 10, 30, 50), raised=CANCELLED)
    return s.draw()


def cancelled_by_a_task() -> list[Step]:
    """Who called cancel(), and where: on the acquire that it hit, and at the task's end."""
    s = Scenario()
    main = s.task("main")
    boss = s.task("boss", by=main, created=0, finished=40)
    worker = s.task("worker-3", by=main, created=1, finished=31, fails=cancelled(boss, at="orders.py:41"))
    s.use(boss, s.resource(DATABASE), (2, 3, 39, 39.5))
    s.use(worker, s.resource("shop.Mailer"), (4, 5, 30, 30.5), body=cancelled(boss, at="orders.py:41"))
    return s.draw()


def cancelled_by_asyncio() -> list[Step]:
    """On behalf of a task group one of whose tasks failed, of a timeout, of a signal and at the end of the program."""
    s = Scenario()
    main = s.task("main")
    timer = cancelled(via="timeout 0.5 s", at="orders.py:7")
    limit = s.use(
        main, s.resource("asyncio.timeout", "0.5 s"), (0, 0.01, 500.5, 500.6), body=timer, raised="TimeoutError"
    )
    s.use(main, s.resource(DATABASE), (0.02, None, None, 500.4), inside=limit, line=8, raised=timer)
    group = s.use(main, s.resource(GROUP), (501, 501.01, 505, 530), line=12)
    pay = s.task("pay-1", by=main, within=group, created=502, finished=510, fails="ValueError: no money")
    s.use(pay, s.resource("shop.Bank"), (503, 504, 509, 509.5), body="ValueError: no money")
    failed = cancelled(pay, "TaskGroup", "pay.py:12")
    mail = s.task("mail-1", by=main, within=group, created=503, finished=512, fails=failed)
    s.use(mail, s.resource("shop.Mailer"), (504, 505, 511, 511.5), body=failed)
    for number, via in enumerate(("SIGINT", "end of asyncio.run")):
        end = s.task(f"end-{number}", by=main, created=600 + number, finished=640 + number, fails=cancelled(via=via))
        s.use(end, s.resource("shop.Queue"), (602 + number, 603, 620, 630), raised=cancelled(via=via))
    return s.draw()


def timeout() -> list[Step]:
    """asyncio.timeout turns the cancellation that it made into TimeoutError."""
    s = Scenario()
    main = s.task("main")
    limit = s.use(
        main, s.resource("asyncio.timeouts.timeout", "0.5 s"), (0, 0.01, 500.5, 500.6), body=CANCELLED,
        raised="TimeoutError",
    )  # fmt: skip
    s.use(main, s.resource(DATABASE), (0.02, None, None, 500.4), inside=limit, line=8, raised=CANCELLED)
    return s.draw()

"""A small shop's life as lifecycles: what the pages of these tests show."""

from __future__ import annotations

from tests.server.support.batches import CANCELLED, ERROR
from tests.web.support.collector import Program

from tenure import wire

OUT_OF_STOCK = ("ValueError", "out of stock")


def held_and_waited_for() -> Program:
    """report-1 holds Lock stock, checkout-1 and checkout-2 wait for it, two of the three of Pool orders are held."""
    program = Program()
    program.resource("Pool orders", 3, "database")
    for name in ("report-1", "checkout-1", "checkout-2"):
        program.task(name)
    program.use("report-1", "Lock stock", acquire=-32_500, wait=0.02, line=41)
    for name, since in (("checkout-1", -9_500), ("checkout-2", -4_500)):
        pool = program.use(name, "Pool orders", acquire=since, wait=1.2, enter="acquire", line=38)
        program.use(name, "Lock stock", acquire=since + 2, parent=pool, line=47)
    return program


def one_of_each_outcome() -> Program:
    """Four traces of one lifecycle each: ok, its block failed, its acquire failed, its block was cancelled."""
    program = Program()
    program.use("quick-1", "Lock stock", acquire=-50, wait=0.1, hold=3, release=0.1)
    program.use(
        "refund-1", "Lock stock", acquire=-40, wait=0.1, hold=3, release=0.1, body=ERROR, body_exception=OUT_OF_STOCK
    )
    program.use(
        "connect-1",
        "Connection upstream",
        acquire=-30,
        release=5,
        acquire_outcome=ERROR,
        exception=("ConnectionError", "refused"),
    )
    program.use(
        "search-1",
        "Lock stock",
        acquire=-20,
        wait=0.1,
        hold=3,
        release=0.1,
        body=CANCELLED,
        body_exception=("CancelledError", ""),
    )
    return program


def answered_requests() -> Program:
    """Four requests of one route: answered 200, 404 and 503, and one whose status is not known."""
    program = Program()
    for number, status in enumerate((200, 404, 503, 0)):
        program.use(
            f"request-{number + 1}",
            "Request GET /orders/{id}",
            acquire=-50 + 10 * number,
            wait=0,
            hold=3,
            release=0,
            enter="request",
        ).status = status
    return program


def many_uses(count: int, task: str = "worker-1") -> Program:
    """One task that took a lock so many times, by two sites in turn of different holds: nothing of it is alike."""
    program = Program()
    for i in range(count):
        program.use(task, "Lock stock", acquire=-2 * count + 2 * i, wait=0.01, hold=1, release=0.01, line=10 + i)
    return program


def batches_of(program: Program) -> list[wire.Batch]:
    """All of the program, in batches that a collector takes."""
    uses, program.pending = program.pending, []
    whole = []
    for start in range(0, len(uses), wire.MAX_ROWS):
        program.pending = uses[start : start + wire.MAX_ROWS]
        whole.append(program.batch())
    return whole

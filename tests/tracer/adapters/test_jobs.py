"""Job queues: each run of a job or message is one lifecycle of its function's name, with its outcome."""

import asyncio
import threading
from typing import Any

import celery
import dramatiq
import pytest
import taskiq
from dramatiq.brokers.stub import StubBroker
from faststream.exceptions import AckMessage
from faststream.nats import NatsBroker, TestNatsBroker

SECRET = "customer 4711"
LOCK = threading.Lock()


async def charge(customer: str, *, fail: bool = False) -> str:
    """What a job does: it holds something, and may fail."""
    async with asyncio.timeout(9):
        if fail:
            raise ValueError("no money")
        return await asyncio.sleep(0, customer)


def names(recorder) -> list[str]:
    """All that the recording says of resources and sites."""
    return [str((resource, site)) for resource, site in zip(recorder.resources(), recorder.sites(), strict=True)]


def placed(recorder, kind: str) -> set[tuple[str, str]]:
    """File and function of the lifecycles of this kind."""
    pairs = zip(recorder.resources(), recorder.sites(), strict=True)
    return {(site.file, site.function.rpartition(".")[2]) for resource, site in pairs if resource.kind == kind}


def test_taskiq(recorder, rewritten) -> None:
    """A task that is async, one that runs in a thread, one that fails and is tried again: each run is one."""
    broker = taskiq.InMemoryBroker().with_middlewares(taskiq.SimpleRetryMiddleware(default_retry_count=2))
    work = rewritten(charge)

    @broker.task("shop:bill")
    async def bill(customer: str) -> str:
        return await work(customer)

    @broker.task("shop:refuse", retry_on_error=True)
    async def refuse(customer: str) -> None:
        await work(customer, fail=True)

    @broker.task("shop:print")
    def print_bill(customer: str) -> str:
        return customer

    async def main() -> None:
        await broker.startup()
        for task in (bill, refuse, print_bill):
            await task.kiq(SECRET)
        await broker.wait_all()
        await broker.shutdown()

    asyncio.run(main())
    lines = [line.partition(": ")[2] for line in recorder.lines()]
    assert sorted(line for line in lines if "taskiq" in line) == [
        "taskiq.Task shop:bill, ok ok ok",
        "taskiq.Task shop:print, ok ok ok",
        "taskiq.Task shop:refuse, ok error(NoResultError) goes on",  # what taskiq keeps of a run that it tries again
        "taskiq.Task shop:refuse, ok error(ValueError) goes on",
    ]
    held = [line for line in recorder.tree() if line.endswith("timeout 9 s")]
    assert len(held) == 3
    assert all(line.startswith("  ") for line in held)
    assert placed(recorder, "taskiq.Task") == {(__file__, "bill"), (__file__, "refuse"), (__file__, "print_bill")}
    assert not any(SECRET in name for name in names(recorder))


def test_celery(recorder, rewritten) -> None:
    """A task, one that fails, one that asks for a retry: each run is one, with what asyncio.run holds below it."""
    app = celery.Celery("shop", broker="memory://", backend="cache+memory://")
    work = rewritten(charge)

    @app.task(name="shop.bill")
    def bill(customer: str) -> str:
        return asyncio.run(work(customer))

    @app.task(name="shop.refuse")
    def refuse(customer: str) -> None:
        asyncio.run(work(customer, fail=True))

    @app.task(name="shop.again", bind=True, max_retries=1)
    def again(task: Any, customer: str) -> None:
        raise task.retry(exc=ValueError(customer), countdown=0)

    for task in (bill, refuse, again):
        task.apply(args=(SECRET,))
    lines = [line.partition(": ")[2] for line in recorder.lines()]
    assert [line for line in lines if "celery" in line] == [
        "celery.Task shop.bill, ok ok ok",
        "celery.Task shop.refuse, ok error(ValueError) goes on",
        "celery.Task shop.again, ok error(Retry) goes on",
        "celery.Task shop.again, ok error(ValueError) goes on",
    ]
    tree = [line.partition(": ")[0].count("  ") for line in recorder.tree()]
    assert tree[:4] == [0, 1, 0, 1]
    assert placed(recorder, "celery.Task") == {(__file__, "bill"), (__file__, "refuse"), (__file__, "again")}
    assert not any(SECRET in name for name in names(recorder))


def test_celery_keeps_no_receiver_after_the_recording(recorder) -> None:
    """The program's own receivers are called before, during and after it."""
    calls: list[str] = []

    def note(**_: object) -> None:
        calls.append("begin")

    celery.signals.task_prerun.connect(note)
    app = celery.Celery("shop", broker="memory://")

    @app.task(name="shop.nothing")
    def task() -> None:
        return None

    task.apply()
    recorder.stop()
    task.apply()
    assert calls == ["begin", "begin"]
    assert [receiver for receiver in celery.signals.task_prerun.receivers if "tenure" in str(receiver)] == []
    assert recorder.lines() == ["MainThread: celery.Task shop.nothing, ok ok ok"]


def test_dramatiq(recorder, rewritten) -> None:
    """Every attempt of a message is one, and a failed one has what the actor raised."""
    broker = StubBroker()
    broker.emit_after("process_boot")
    work = rewritten(charge)

    @dramatiq.actor(broker=broker, actor_name="bill")
    def bill(customer: str) -> None:
        asyncio.run(work(customer))

    @dramatiq.actor(broker=broker, actor_name="refuse", max_retries=1, min_backoff=1, max_backoff=1)
    def refuse(customer: str) -> None:
        raise ValueError(customer)

    worker = dramatiq.Worker(broker, worker_timeout=20, worker_threads=1)
    worker.start()
    try:
        bill.send(SECRET)
        broker.join(bill.queue_name, fail_fast=False)
        refuse.send(SECRET)
        broker.join(refuse.queue_name, fail_fast=False)
        worker.join()
    finally:
        worker.stop()
    lines = [line.partition(": ")[2] for line in recorder.lines()]
    assert [line for line in lines if "dramatiq" in line] == [
        "dramatiq.Message bill, ok ok ok",
        "dramatiq.Message refuse, ok error(ValueError) goes on",
        "dramatiq.Message refuse, ok error(ValueError) goes on",
    ]
    assert "  " + recorder.tree()[1].lstrip() == recorder.tree()[1]
    assert placed(recorder, "dramatiq.Message") == {(__file__, "bill"), (__file__, "refuse")}
    assert not any(SECRET in name for name in names(recorder))


def test_faststream(recorder, rewritten) -> None:
    """A message is named by the function that handles it; an acknowledgement by exception is no error."""
    broker = NatsBroker()
    work = rewritten(charge)

    @broker.subscriber("bills")
    async def bill(customer: str) -> None:
        await work(customer)

    @broker.subscriber("refusals")
    async def refuse(customer: str) -> None:
        await work(customer, fail=True)

    @broker.subscriber("seen")
    async def see(customer: str) -> None:
        raise AckMessage

    async def main() -> None:
        async with TestNatsBroker(broker):
            await broker.publish(SECRET, "bills")
            with pytest.raises(ValueError, match="no money"):
                await broker.publish(SECRET, "refusals")
            await broker.publish(SECRET, "seen")

    asyncio.run(main())
    lines = [line.partition(": ")[2] for line in recorder.lines()]
    assert [line for line in lines if "faststream.Message" in line] == [
        "faststream.Message bill, ok ok ok",
        "faststream.Message refuse, ok error(ValueError) goes on",
        "faststream.Message see, ok ok ok",
    ]
    assert placed(recorder, "faststream.Message") == {(__file__, "bill"), (__file__, "refuse"), (__file__, "see")}
    assert not any(SECRET in name for name in names(recorder))

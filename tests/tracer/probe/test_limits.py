"""Recording keeps no object of the program, raises nothing, reports every loss, and contains no secret."""

import asyncio
import gc
import weakref

import pytest
from tests.tracer.support.small_programs import MANAGERS, outcome, single_lifecycle

from tenure import _probe_api as probe
from tenure import testing
from tenure._core import buffer
from tenure._identify import resources


def test_nothing_of_the_program_is_kept_alive() -> None:
    """Managers, tasks and exceptions die as early as without recording."""
    with testing.recorder() as recorder:
        app = recorder.load(
            MANAGERS
            + """
class Failure(Exception): pass
async def main(watch):
    made = Manager()
    watch(made)
    try:
        async with made:
            error = Failure()
            watch(error)
            raise error
    except Failure:
        del error
    del made
    task = asyncio.create_task(asyncio.sleep(0))
    watch(task)
    async with Manager(): await task
    del task
"""
        )
        alive: list[weakref.ref[object]] = []

        async def main() -> None:
            await app.main(lambda value: alive.append(weakref.ref(value)))
            await asyncio.sleep(0)
            gc.collect()
            assert [reference() for reference in alive] == [None, None, None]

        asyncio.run(main())
        assert len(recorder.lifecycles()) == 2


def test_a_full_buffer_drops_whole_lifecycles_and_counts_them() -> None:
    """What does not fit is neither recorded in part nor lost in silence; the program does not notice."""
    with testing.recorder() as recorder:
        app = recorder.load(
            MANAGERS + "async def main():\n    for _ in range(10):\n        shared = Manager()\n"
            "        async with shared: pass\n        kept.append(shared)\nkept = []\n"
        )
        buffer.set_limit(4)
        try:
            asyncio.run(app.main())
        finally:
            buffer.set_limit(buffer.LIMIT)
        (batch,) = recorder.batches()
    recorded = len(batch.rows)
    assert batch.dropped == {"buffer full": 10 - recorded}
    assert 0 < recorded <= 4


def test_a_fault_in_an_adapter_stops_the_tracing_of_that_type_alone(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged once and counted; the program and everything else go on."""

    def describe(manager: object, expression: str) -> resources.Description:
        raise RuntimeError("of an unexpected shape")

    with testing.recorder() as recorder:
        app = recorder.load(
            MANAGERS
            + """
class Strange(Manager): pass
async def main():
    for _ in range(3):
        async with Strange(), Manager(): pass
"""
        )
        resources.register(app.Strange, describe)
        asyncio.run(app.main())
        (batch,) = recorder.batches()
    assert {resource.kind for resource in batch.resources} == {"app.Manager"}
    assert len(batch.rows) == 3
    assert batch.dropped == {"fault": 1}
    assert [record.getMessage() for record in caplog.records] == [
        "tenure: finding the resource of a Strange failed and is left out from now on: of an unexpected shape"
    ]


def test_secrets_do_not_leave_the_process() -> None:
    """Expressions and messages are scrubbed before they are shipped."""
    seen = single_lifecycle(
        """
        def connect(url, password): return Manager()
        async def main():
            async with connect("postgres://me:hunter2@db/shop", password="hunter2"):
                raise ValueError("cannot log in: token=hunter2, user=me")
        """
    )
    assert (seen.expression, seen.body_exception) == (
        "connect('…', password='…')",
        "ValueError: cannot log in: token=***, user=me",
    )


def test_a_record_holds_no_object_once_it_is_entered() -> None:
    """The record in the buffer is made of texts, numbers and failures alone."""
    with testing.recorder() as recorder:
        app = recorder.load(MANAGERS + "async def main():\n    async with Manager(): raise KeyError(1)\n")
        asyncio.run(outcome(app.main()))
        (record,) = [entry for entry in buffer.drain() if isinstance(entry, list)]
    assert [type(value).__name__ for value in record] == ["str", *["int"] * 6, "Failure", "bool", "int"]
    assert len(record) == probe.RELEASER + 1

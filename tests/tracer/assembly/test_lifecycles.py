"""The lifecycles of small programs, compared whole; the clock ticks 1 ms a reading and ids count from 1."""

import asyncio

import pytest
from tests.tracer.support.small_programs import MANAGERS, lifecycles, single_lifecycle

from tenure import testing, wire
from tenure._assembly import open_lifecycles
from tenure.testing import Lifecycle

MS = testing.TICK_NS

PLAIN = Lifecycle(
    id=1,
    parent=0,
    trace=1,
    task="outcome",
    resource="app.Manager",
    capacity=None,
    line=2,
    expression="Manager()",
    acquire=2 * MS,
    wait=MS,
    hold=MS,
    release=MS,
    outcomes="ok ok ok",
    body_exception="",
    exception="",
)


def test_a_lifecycle_has_its_site_task_resource_four_times_and_three_outcomes() -> None:
    """The simplest program gives one complete row."""
    seen = single_lifecycle("async def main():\n    async with Manager(): pass")
    assert seen == PLAIN


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("async with Manager(): raise KeyError(1)", {"outcomes": "ok error ok", "body_exception": "KeyError: 1"}),
        (
            "async with Manager(suppress=True): raise KeyError(1)",
            {
                "outcomes": "ok error ok suppressed",
                "body_exception": "KeyError: 1",
                "expression": "Manager(suppress=True)",
            },
        ),
        (
            "async with FailsToExit(): pass",
            {
                "outcomes": "ok ok error",
                "exception": "OSError: no exit",
                "resource": "app.FailsToExit",
                "expression": "FailsToExit()",
            },
        ),
        (
            "async with FailsToExit(): raise KeyError(1)",
            {
                "outcomes": "ok error error",
                "body_exception": "KeyError: 1",
                "exception": "OSError: no exit",
                "resource": "app.FailsToExit",
                "expression": "FailsToExit()",
            },
        ),
        (
            "async with FailsToEnter(): pass",
            {
                "outcomes": "error - -",
                "wait": None,
                "hold": None,
                "exception": "OSError: no entry",
                "resource": "app.FailsToEnter",
                "expression": "FailsToEnter()",
            },
        ),
        (
            "async with Manager() as (a, b): pass",
            {
                "outcomes": "ok error ok",
                "body_exception": "TypeError: cannot unpack non-iterable Manager object",
            },
        ),
        (
            "async with Manager(): raise asyncio.CancelledError('stop')",
            {"outcomes": "ok cancelled ok", "body_exception": "asyncio.exceptions.CancelledError: stop"},
        ),
    ],
)
def test_each_phase_has_its_outcome(body: str, expected: dict[str, object]) -> None:
    """A failure is told with the phase it hit, and whether the manager swallowed it."""
    assert single_lifecycle(f"async def main():\n    {body}") == PLAIN._replace(**expected)


def test_cancellation_while_acquiring_is_an_acquire_that_was_cancelled() -> None:
    """The lifecycle ends at the cancellation; it was never held."""
    seen = single_lifecycle(
        """
        class Never:
            async def __aenter__(self): await asyncio.sleep(60)
            async def __aexit__(self, *details): pass
        async def wait(manager):
            async with manager: pass
        async def main():
            task = asyncio.create_task(wait(Never()))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
        """
    )
    assert (seen.task, seen.outcomes, seen.wait, seen.hold) == ("wait-1", "cancelled - -", None, None)
    assert seen.exception == "asyncio.exceptions.CancelledError: "


def test_nested_lifecycles_of_a_task_are_one_trace() -> None:
    """The enclosing lifecycle is the parent; siblings have the same one; what follows begins a trace of its own."""
    seen = lifecycles(
        """
        async def main():
            async with Manager():
                async with Manager(), Manager():
                    pass
                async with Manager():
                    pass
            async with Manager():
                pass
        """
    )
    assert [(row.id, row.parent, row.trace) for row in seen] == [(1, 0, 1), (2, 1, 1), (3, 2, 1), (4, 1, 1), (5, 0, 5)]


def test_a_tasks_first_lifecycle_hangs_under_the_one_it_was_created_in() -> None:
    """Parents reach across tasks, also across one that holds nothing itself, and also when the creator has let go."""
    seen = lifecycles(
        """
        async def leaf():
            async with Manager(): pass
        async def between():
            return asyncio.create_task(leaf())
        async def main():
            async with Manager():
                first = asyncio.create_task(leaf())
                second = await asyncio.create_task(between())
            await first
            await second
        """
    )
    assert [(row.task, row.id, row.parent, row.trace) for row in seen] == [
        ("outcome", 1, 0, 1),
        ("leaf-1", 2, 1, 1),
        ("leaf-2", 3, 1, 1),
    ]


def test_what_is_open_is_shipped_by_phase_and_again_when_it_changes() -> None:
    """A held lifecycle is a snapshot, then complete and marked as sent before; unchanged, it is not sent again."""
    with testing.recorder() as recorder:
        app = recorder.load(
            MANAGERS + "async def hold(ready, go):\n    async with Manager():\n        await go.wait()\n"
        )
        seen = []

        async def main() -> None:
            go = asyncio.Event()
            task = asyncio.create_task(app.hold(None, go))
            await asyncio.sleep(0)
            seen.append(recorder.batches())
            await asyncio.sleep(0)
            seen.append(recorder.batches())
            seen.append(recorder.batches())
            go.set()
            await task
            seen.append(recorder.batches())

        asyncio.run(main())
    rows = [[(row.id, row.outcomes, row.wait_ns, row.hold_ns) for batch in step for row in batch.rows] for step in seen]
    closed = wire.OK | wire.OK << wire.BODY_SHIFT | wire.OK << wire.RELEASE_SHIFT | wire.RESENT
    assert rows == [
        [(1, 0, -1, -1)],
        [(1, wire.OK | wire.RESENT, MS, -1)],
        [],
        [(1, closed, MS, MS)],
    ]


def test_a_lifecycle_held_for_over_a_minute_does_not_gather_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is entered within it begins a trace of its own, with a link."""
    monkeypatch.setattr(open_lifecycles, "LONG_HELD_NS", 5 * MS)
    with testing.recorder() as recorder:
        app = recorder.load(
            MANAGERS
            + """
async def main():
    async with Manager():
        for _ in range(3):
            async with Manager():
                async with Manager(): pass
"""
        )
        asyncio.run(app.main())
        (batch,) = recorder.batches()
    roots = [(trace.root, trace.link) for trace in batch.traces]
    rows = [(row.id, row.parent, batch.traces[row.trace].root) for row in batch.rows]
    assert roots == [(1, 0), (4, 1), (6, 1)]
    assert rows == [(1, 0, 1), (2, 1, 1), (3, 2, 1), (4, 0, 4), (5, 4, 4), (6, 0, 6), (7, 6, 6)]


def test_an_async_generator_is_recorded_for_the_task_that_advances_it() -> None:
    """Several tasks may advance one generator; each entry belongs to the task that made it."""
    seen = lifecycles(
        """
        async def numbers():
            for i in range(3):
                async with Manager():
                    yield i
        async def advance(generator): return await anext(generator)
        async def main():
            generator = numbers()
            for _ in range(3):
                await asyncio.create_task(advance(generator))
            await generator.aclose()
        """
    )
    assert [row.task for row in seen] == ["advance-1", "advance-2", "advance-3"]


def test_tasks_that_share_a_context_are_told_apart() -> None:
    """Who runs is asked of the loop, not of the context."""
    seen = lifecycles(
        """
        async def work():
            async with Manager(): await asyncio.sleep(0)
        async def main():
            import contextvars
            shared = contextvars.copy_context()
            await asyncio.gather(*[asyncio.create_task(work(), context=shared) for _ in range(3)])
        """
    )
    assert sorted(row.task for row in seen) == ["work-1", "work-2", "work-3"]


def test_a_coroutine_that_is_closed_while_it_holds_is_cancelled() -> None:
    """GeneratorExit goes through the body; the release is recorded all the same."""
    seen = lifecycles(
        """
        class Quick(Manager):
            async def __aenter__(self): pass
            async def __aexit__(self, *details): pass
        async def hold():
            async with Quick(): await asyncio.sleep(60)
        async def main():
            held = hold()
            held.send(None)
            held.close()
        """.replace("(Manager)", "")
    )
    assert [(row.outcomes, row.body_exception) for row in seen] == [("ok cancelled ok", "GeneratorExit: ")]


def test_an_interrupt_goes_through_and_is_an_error_of_the_body() -> None:
    """KeyboardInterrupt is neither swallowed nor taken for a cancellation."""
    seen = single_lifecycle("async def main():\n    async with Manager(): raise KeyboardInterrupt")
    assert (seen.outcomes, seen.body_exception) == ("ok error ok", "KeyboardInterrupt: ")


def test_what_is_no_manager_is_an_acquire_that_failed_wherever_it_stands() -> None:
    """In place and where the manager is wrapped, at the top of a module: with Python's own words."""
    with testing.recorder(sync=True) as recorder:
        recorder.load(
            """
            def main():
                with 5: pass
            try: main()
            except TypeError: pass
            try:
                with 5: pass
            except TypeError: pass
            """
        )
        seen = recorder.lifecycles()
    try:
        with 5: pass  # type: ignore[attr-defined]  # fmt: skip  # noqa: E701
    except TypeError as error:
        words = f"TypeError: {error}"
    assert [(row.line, row.outcomes, row.exception) for row in seen] == [
        (3, "error - -", words),
        (7, "error - -", words),
    ]

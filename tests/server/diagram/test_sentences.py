"""The sentences about exceptions and cancellations, as they stand in a diagram."""

from __future__ import annotations

import pytest
from tests.golden.diagram.scenario import DATABASE, GROUP, Scenario, cancelled

from tenure_server.diagram import phrases
from tenure_server.diagram.steps import Message, Step
from tenure_server.model.records import ExceptionInfo

LOOP = "<asyncio.locks.Lock object at 0x7f3a2c5b1d90 [unlocked, waiters:1]> is bound to a different event loop"
TASK = "Task <Task pending name='Task-2' coro=<main() running at app.py:9>> got Future attached to a different loop"


@pytest.mark.parametrize(
    ("kind", "message", "text"),
    [
        ("OSError", LOOP, "OSError: <asyncio.locks.Lock [unlocke…ters:1]> is bound to a different event loop"),
        ("OSError", TASK, "OSError: Task <Task pending name='Tas…9>> got Future attached to a different loop"),
        ("ExceptionGroup", "m (3 sub-exceptions): OSError: a, 2 KeyError", "ExceptionGroup (OSError: a, 2 KeyError)"),
        ("ExceptionGroup", "of an older tracer (2 sub-exceptions)", "ExceptionGroup (2)"),
        ("shop.OutOfStock", "", "OutOfStock"),
    ],
)  # fmt: skip
def test_an_exception_says_its_point(kind: str, message: str, text: str) -> None:
    """The end of a long message stays; a group says what is in it; addresses are left out."""
    assert phrases.exception(ExceptionInfo(kind, message)) == text
    assert len(text) <= len(kind) + 2 + phrases.MAX_MESSAGE_LENGTH


@pytest.mark.parametrize(
    ("via", "at", "text"),
    [
        ("ClientTimeout 5 s", "app.py:12", "by ClientTimeout 5 s at app.py:12"),
        ("timeout 0.5 s", "app.py:7", "by timeout 0.5 s at app.py:7"),
        ("end of asyncio.run", "", "by the end of asyncio.run"),
        ("SIGINT", "", "by SIGINT"),
        ("event loop", "", "by the event loop"),
        ("", "app.py:3", "by a call at app.py:3"),
    ],
)
def test_a_canceller_reads_as_a_person_would_say_it(via: str, at: str, text: str) -> None:
    """What it was, and where the program set it."""
    by = cancelled(via=via, at=at).canceller
    assert by is not None
    assert phrases.canceller(by) == text


def test_a_task_group_cancels_because_a_task_failed() -> None:
    """The group, the task, and where that failed."""
    task = Scenario().task("worker-2")
    by = cancelled(task, "TaskGroup", "app.py:12").canceller
    assert by is not None
    assert phrases.canceller(by) == "by TaskGroup: worker-2 failed at app.py:12"


def test_the_canceller_stays_where_the_exit_raises_something_else() -> None:
    """An inner task group that was cancelled by the outer one and has failures of its own; a timeout of a library's."""
    s = Scenario()
    main = s.task("main")
    outer = s.use(main, s.resource(GROUP), (0, 1, 20, 22))
    child = s.task("outer-child", by=main, within=outer, created=2, finished=9, fails="ValueError: bad")
    failed = cancelled(child, "TaskGroup", "app.py:8")
    inner = "unhandled errors in a TaskGroup (1 sub-exception): KeyError: 'inner'"
    s.use(main, s.resource(GROUP), (3, 4, 10, 11), inside=outer, body=failed, raised=f"ExceptionGroup: {inner}")
    by_client = ExceptionInfo("TimeoutError", "", cancelled(via="ClientTimeout 5 s", at="app.py:12").canceller)
    s.use(main, s.resource("aiohttp.client.ClientSession"), (12, None, None, 13), inside=outer, raised=by_client)
    limited = cancelled(via="move_on_after 1 s", at="app.py:30")
    s.use(main, s.resource("anyio.CancelScope"), (14, 15, 16, 17), inside=outer, body=limited, suppressed=True)
    labels = _ends(s.draw())
    assert (
        "ExceptionGroup (KeyError: 'inner') after 1 ms, cancelled by TaskGroup: outer-child failed at app.py:8"
        in labels
    )
    assert "TimeoutError after 1 ms, cancelled by ClientTimeout 5 s at app.py:12" in labels
    assert "released after 1 ms, CancelledError suppressed, cancelled by move_on_after 1 s at app.py:30" in labels


def test_the_canceller_stays_where_the_clean_up_fails() -> None:
    """What left the body was raised in place of the cancellation; so was what ended the task."""
    s = Scenario()
    by_group = cancelled(s.task("loader"), "TaskGroup", "app.py:8").canceller
    failed = ExceptionInfo("KeyError", "'row'", by_group)
    worker = s.task("worker", by=s.task("main"), created=1, finished=9, fails=failed)
    s.use(worker, s.resource(DATABASE), (2, 3, 7, 8), body=failed)
    labels = _ends(s.draw())
    assert "released after 1 ms, KeyError goes on, cancelled by TaskGroup: loader failed at app.py:8" in labels
    assert "KeyError: 'row', cancelled by TaskGroup: loader failed at app.py:8" in labels


def test_a_fold_says_who_cancelled_where_it_is_the_same_for_all() -> None:
    """What differs between the repetitions is left out of the sentence: the task, the place, or all of it."""
    assert _folded(["app.py:12"] * 3) == [
        "⊘ cancelled by timeout 0.5 s at app.py:12",
        "⊘ released, cancelled by timeout 0.5 s at app.py:12",
    ]
    assert _folded(["app.py:12", "app.py:13", "app.py:12"]) == [
        "⊘ cancelled by timeout 0.5 s",
        "⊘ released, cancelled by timeout 0.5 s",
    ]
    assert _folded(["app.py:12", None, "app.py:12"]) == ["⊘ cancelled", "⊘ released, cancelled while held"]


def _folded(places: list[str | None]) -> list[str]:
    s = Scenario()
    main = s.task("main")
    for number, place in enumerate(places):
        start = 10 * number
        by = "CancelledError" if place is None else cancelled(via="timeout 0.5 s", at=place)
        worker = s.task(f"worker-{number}", by=main, created=start, finished=start + 9, fails=by)
        s.use(worker, s.resource(DATABASE), (start + 1, start + 2, start + 7, start + 8), body=by)
    return sorted(label for label in _ends(s.draw()) if label.startswith("⊘"))


def _ends(steps: list[Step]) -> list[str]:
    return [step.label for step in steps if isinstance(step, Message) and step.arrow in ("--x", "-->>")]

"""A release is drawn from the task that released, and a notification from its notifier."""

from __future__ import annotations

import msgspec
from tests.golden.diagram.scenario import Scenario

from tenure_server.diagram import mermaid
from tenure_server.diagram.steps import Create, Declare, Message
from tenure_server.model.records import Task, TaskRef


def released_by(scenario: Scenario, task: Task) -> None:
    """Let this task release the newest lifecycle."""
    use = scenario.lifecycles.pop()
    scenario.lifecycles.append(msgspec.structs.replace(use, released_by=TaskRef(task.id, task.name)))


def messages(scenario: Scenario) -> list[str]:
    """Each message as "from -> to: label", with the names of columns."""
    steps = scenario.draw()
    columns = [step.participant for step in steps if isinstance(step, Declare | Create)]
    names = {participant.id: participant.label for participant in columns}
    return [
        f"{names[step.source]} -> {names[step.target]}: {step.label}" for step in steps if isinstance(step, Message)
    ]


def test_the_release_starts_at_the_task_that_released() -> None:
    """It is created and ends in the diagram, though it held nothing; the opener ends before."""
    s = Scenario()
    main = s.task("main")
    opener = s.task("opener", by=main, created=1, finished=5)
    closer = s.task("closer", by=main, created=10, finished=30)
    s.use(main, s.resource("asyncio.Runner"), (0, 0.01, 40, 40.01))
    s.use(opener, s.resource("shop.Connection"), (2, 3, 20, 25))
    released_by(s, closer)
    told = messages(s)
    assert [line for line in told if "Connection" in line or "done" in line or "create" in line] == [
        "main -> opener: create_task",
        "opener -> Connection: __aenter__()",
        "Connection -> opener: acquired after 1 ms",
        "opener -> main: done after 4 ms",
        "main -> closer: create_task",
        "closer -> Connection: __aexit__()",
        "Connection -> closer: released after 5 ms",
        "closer -> main: done after 20 ms",
    ]
    assert mermaid(s.draw()).count("body") == 1  # main's own


def test_a_task_without_a_record_is_drawn_by_its_name() -> None:
    """It was evicted, or is in another window."""
    s = Scenario()
    s.use(s.task("opener"), s.resource("shop.Connection"), (2, 3, 20, 25))
    released_by(s, Scenario("b2").task("closer"))
    assert "closer -> Connection: __aexit__()" in messages(s)


def test_who_notifies_sends_the_message_that_ends_the_wait() -> None:
    """The waiter gets the answer; nothing is acquired or released in between."""
    s = Scenario()
    condition = s.resource("asyncio.locks.Condition.wait", "ready")
    s.use(s.task("consumer"), condition, (1, 9, 9.001, 9.002), calls=("wait", "notify"))
    released_by(s, s.task("producer"))
    assert messages(s) == [
        "consumer -> Condition.wait ready: wait()",
        "producer -> Condition.wait ready: notify()",
        "Condition.wait ready -> consumer: notified after 8 ms",
    ]


def test_a_wait_at_a_barrier_ends_with_the_last_one_that_arrives() -> None:
    """The call of that one stands there already, as its own wait."""
    s = Scenario()
    barrier = s.resource("asyncio.locks.Barrier.wait", "start")
    last = s.task("last")
    s.use(s.task("first"), barrier, (1, 9, 9.001, 9.002), calls=("wait", "wait"))
    released_by(s, last)
    s.use(last, barrier, (8.999, 9, 9.001, 9.002), calls=("wait", "wait"))
    assert [line.partition(" after")[0] for line in messages(s)] == [
        "first -> Barrier.wait start: wait()",
        "last -> Barrier.wait start: wait()",
        "Barrier.wait start -> first: all arrived",
        "Barrier.wait start -> last: all arrived",
    ]


def test_releases_by_different_tasks_are_not_one_loop() -> None:
    """A fold never merges what differs."""
    s = Scenario()
    main, lock = s.task("main"), s.resource("asyncio.locks.Lock", "stock", 1)
    for n in range(6):
        s.use(main, lock, (n, n + 0.1, n + 0.2, n + 0.3))
        released_by(s, s.task(f"giver-{n}" if n % 2 else "other"))
    assert "loop" not in mermaid(s.draw())


def test_a_wait_that_is_cancelled_acquired_nothing() -> None:
    """Nor did it try to: it waited to be notified."""
    s = Scenario()
    condition = s.resource("asyncio.locks.Condition.wait", "ready")
    s.use(s.task("consumer"), condition, (1, None, None, 9), calls=("wait", "notify"), raised="CancelledError")
    assert messages(s)[-1] == "Condition.wait ready -> consumer: ⊘ cancelled while waiting after 8 ms"

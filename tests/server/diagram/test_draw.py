"""Rules of a diagram that no golden file shows well."""

from __future__ import annotations

from typing import Any

import msgspec
from tests.golden.diagram.rules import Reader
from tests.golden.diagram.scenario import Scenario

from tenure_server.diagram import draw, mermaid
from tenure_server.diagram.steps import Begin, Create, Declare, Message, Note, Step
from tenure_server.model.lens import Lens


def _labels(steps: list[Step]) -> list[str]:
    return [step.participant.label for step in steps if isinstance(step, Declare | Create)]


def _waits(steps: list[Step]) -> list[str]:
    return [step.text for step in steps if isinstance(step, Note) and step.kind == "wait"]


def test_ten_thousand_levels_do_not_break_the_stack() -> None:
    """Nesting is as deep as the program made it."""
    s = Scenario()
    main, lock = s.task("main"), s.resource("shop.Reentrant", "tree", None)
    around = None
    for i in range(10_000):
        around = s.use(main, lock, (i, i + 0.5, 30_000 - i, 30_000.5 - i), inside=around)
    steps = s.draw()
    assert len([step for step in steps if isinstance(step, Message)]) == 10_000 * 4 + 1
    assert len(mermaid(steps)) <= 50_000


def test_other_peoples_lifecycles_explain_a_wait_without_being_drawn() -> None:
    """The holder is in another trace: it is named and has no column."""
    s = Scenario()
    lock = s.resource("asyncio.locks.Lock", "stock", 1)
    holder = s.use(s.task("other"), lock, (0, 0.01, 90, 90.01))
    s.use(s.task("main"), lock, (10, 90.1, 95, 95.01))
    s.lifecycles.remove(holder)
    steps = s.draw(context=[holder])
    assert _labels(steps) == ["main", "Lock stock"]
    assert _waits(steps) == ["waits for other (other.py:7) 80 ms"]


def test_a_resource_without_capacity_is_waited_for_for_no_known_reason() -> None:
    """No note where nobody can say who is in the way."""
    s = Scenario()
    anything = s.resource("shop.Thing")
    s.use(s.task("one"), anything, (0, 1, 90, 91))
    s.use(s.task("two"), anything, (10, 90, 95, 96))
    assert _waits(s.draw()) == []


def test_a_lock_that_its_holder_may_enter_again_is_not_waited_for() -> None:
    """Who gets in while the holder is in got in beside it."""
    s = Scenario()
    main, lock = s.task("main"), s.resource("shop.RLock", "tree", 1)
    outer = s.use(main, lock, (0, 0.5, 50, 50.5))
    s.use(main, lock, (10, 11, 20, 20.5), inside=outer)
    assert _waits(s.draw()) == []


def test_a_task_that_waits_for_itself_is_told_so() -> None:
    """A lock taken twice by one task never comes."""
    s = Scenario()
    main, lock = s.task("main"), s.resource("asyncio.locks.Lock", "stock", 1)
    outer = s.use(main, lock, (0, 0.5, None, None))
    s.use(main, lock, (10, None, None, None), inside=outer)
    assert _waits(s.draw(now=1010)) == ["waits for itself (main.py:7), 1.00 s"]


def test_the_one_who_holds_now_is_named_at_the_bottom() -> None:
    """The first holder is long gone: the note at the wait tells of then, the one at the bottom of now."""
    s = Scenario()
    lock = s.resource("asyncio.locks.Lock", "stock", 1)
    s.use(s.task("one"), lock, (0, 0.01, 90, 90.01))
    s.use(s.task("two"), lock, (1, 90.1, None, None))
    s.use(s.task("three"), lock, (2, None, None, None))
    steps = s.draw(now=1002)
    assert _waits(steps) == ["waits for one (one.py:7) 89 ms", "waits for one (one.py:7), 1 ahead, 1.00 s"]
    assert [step.text for step in steps if isinstance(step, Note) and step.kind == "open"] == [
        "still held, 912 ms",
        "still waiting for two (two.py:7), 1.00 s",
    ]


def test_calls_at_different_lines_are_never_folded_together() -> None:
    """Same resource, same outcome, other site: other call."""
    s = Scenario()
    main, file = s.task("main"), s.resource("shop.File", "orders.csv")
    for i in range(9):
        s.use(main, file, (i * 10, i * 10 + 1, i * 10 + 2, i * 10 + 3), line=7 + i // 2)
    assert not [step for step in s.draw() if isinstance(step, Begin)]


def test_three_locks_of_one_line_are_not_one_loop() -> None:
    """Different resources that are used again elsewhere stay apart."""
    s = Scenario()
    main = s.task("main")
    for i in range(6):
        lock = s.resource("asyncio.locks.Lock", "shelf", 1)
        s.use(main, lock, (i * 10, i * 10 + 1, i * 10 + 2, i * 10 + 3))
        s.use(s.task(f"other-{i}"), lock, (100, 101, 102, 103))
    assert not [step for step in s.draw() if isinstance(step, Begin)]


def test_objects_made_for_one_use_fold_by_kind_and_site() -> None:
    """`async with Connection():` in a loop is one loop, though every connection is another object."""
    s = Scenario()
    main = s.task("main")
    for i in range(4):
        s.use(main, s.resource("shop.Connection"), (i * 10, i * 10 + 1, i * 10 + 2, i * 10 + 3))
    steps = s.draw()
    assert [step.label for step in steps if isinstance(step, Begin)] == [
        "4 times (wait p50 1 ms, hold p50 1 ms, p95 1 ms)"
    ]
    assert _labels(steps) == ["main", "Connection"]


def test_what_is_not_over_is_not_folded() -> None:
    """The open one of a run stands by itself below the loop of the others."""
    s = Scenario()
    main, file = s.task("main"), s.resource("shop.File", "orders.csv")
    for i in range(3):
        s.use(main, file, (i * 10, i * 10 + 1, i * 10 + 2, i * 10 + 3))
    still = s.use(main, file, (30, 31, None, None))
    steps = s.draw(now=40)
    assert [step.label for step in steps if isinstance(step, Begin)] == [
        "3 times (wait p50 1 ms, hold p50 1 ms, p95 1 ms)"
    ]
    assert [step.id for step in steps][-4:] == [
        f"{still.id}:{part}" for part in ("acquire", "acquired", "active", "open")
    ]


def test_a_loop_and_the_crowd_that_it_created_fold_side_by_side() -> None:
    """`for ..: create_task(..); async with ..`: the tasks are one par, the uses one loop."""
    s = Scenario()
    main, file, sem = s.task("main"), s.resource("shop.File", "a"), s.resource("shop.Gate", "b")
    for i in range(4):
        worker = s.task(f"worker-{i}", by=main, created=i * 10, finished=i * 10 + 9)
        s.use(worker, sem, (i * 10 + 1, i * 10 + 2, i * 10 + 3, i * 10 + 4))
        s.use(main, file, (i * 10 + 5, i * 10 + 6, i * 10 + 7, i * 10 + 8))
    assert [(step.fragment, step.label) for step in s.draw() if isinstance(step, Begin)] == [
        ("par", "4 x worker (each p50 9 ms, p95 9 ms)"),
        ("loop", "4 times (wait p50 1 ms, hold p50 1 ms, p95 1 ms)"),
    ]


def test_creators_that_hold_nothing_appear_in_the_whole_picture_only() -> None:
    """Everything now shows who created whom; a trace shows the trace."""
    s = Scenario()
    main = s.task("main")
    serve = s.task("serve-1", by=main, created=1)
    s.use(s.task("handle-1", by=serve, created=2), s.resource("shop.File"), (3, 4, 5, 6))
    assert _labels(s.draw()) == ["main", "serve-1", "handle-1", "File"]
    assert _labels(s.draw(lens=Lens(trace="t" * 32))) == ["handle-1", "File"]


def test_a_creation_before_the_window_is_not_drawn() -> None:
    """The column stands from the top of the window."""
    s = Scenario()
    main = s.task("main")
    outer = s.use(main, s.resource("shop.Session"), (0, 1, None, None))
    worker = s.task("worker-1", by=main, within=outer, created=2)
    s.use(worker, s.resource("shop.File"), (10_000, 10_001, 10_002, 10_003))
    since = s.lifecycles[1].acquire_ns - 1
    whole, window = s.draw(), s.draw(lens=Lens(since_ns=since))
    assert [type(step) for step in whole if isinstance(step, Declare | Create)] == [Declare, Declare, Create, Declare]
    assert [type(step) for step in window if isinstance(step, Declare | Create)] == [Declare] * 4


def test_records_that_contradict_each_other_are_still_drawn() -> None:
    """Parents that are each other's, tasks that created themselves, an end before the beginning."""
    s = Scenario()
    main = s.task("main", created=5, finished=1)
    file = s.resource("shop.File")
    one = s.use(main, file, (0, 1, 2, 3))
    two = s.use(main, file, (0, 1, 2, 3), inside=one)
    loop = [_with(one, parent=two.id), _with(two, parent=one.id)]
    tasks = {main.id: _with(main, parent=main.id, created_in=two.id)}
    steps = draw(loop, tasks, Lens(), 0)
    Reader().read(steps)
    told = sorted(step.id for step in steps if isinstance(step, Message) and not step.id.endswith(":body"))
    assert told == [f"{it.id}:{what}" for it in (one, two) for what in ("acquire", "acquired", "release", "released")]


def _with(record: Any, **changes: object) -> Any:
    return msgspec.structs.replace(record, **changes)


def test_a_column_of_a_coroutine_has_the_name_that_its_tasks_share() -> None:
    """Two requests, request-1 and request-2, stand as "request"; names that have no stem leave it to the coroutine."""
    s = Scenario()
    lock = s.resource("asyncio.locks.Lock", "stock", 1)
    names = {"request-1": "Handler._handle", "request-2": "Handler._handle", "pay for 7": "pay", "pay for 8": "pay"}
    for i, (name, coroutine) in enumerate(names.items()):
        s.use(s.task(name, coroutine), lock, (10 * i, 10 * i + 1, 10 * i + 2, 10 * i + 3))
    assert _labels(s.draw(lens=Lens(tasks="coroutine"))) == ["request", "Lock stock", "pay"]

"""The operations that a live client is sent are few, and near the end of the diagram."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.golden.diagram.scenario import Scenario

from tenure_server.diagram import apply, difference
from tenure_server.diagram.steps import Append, Begin, Insert, Message, Note, Operation, Remove, Step, Update


def _message(name: str, label: str = "") -> Message:
    return Message(name, "p1", "p2", "->>", label, 0)


def _still_held(seconds: int) -> Note:
    return Note("n", ["p1"], f"still held, {seconds} s", seconds, kind="open", lead="still held", since_ns=0)


@pytest.mark.parametrize(
    ("before", "after", "operations"),
    [
        ("", "", []),
        ("abc", "abc", []),
        ("abc", "abcde", [Append([_message("d"), _message("e")])]),
        ("abn", "abcn", [Insert("n", [_message("c")])]),
        ("abc", "ac", [Remove(["b"])]),
        ("abc", "cab", [Remove(["c"]), Insert("a", [_message("c")])]),
        ("abcd", "xbyd", [Remove(["a", "c"]), Insert("b", [_message("x")]), Insert("d", [_message("y")])]),
        ("ab", "cd", [Remove(["a", "b"]), Append([_message("c"), _message("d")])]),
    ],
)
def test_the_operations_are_the_fewest(before: str, after: str, operations: list[Operation]) -> None:
    """Each letter is a step: steps that keep their order are not touched."""
    assert difference([_message(name) for name in before], [_message(name) for name in after]) == operations


def test_a_changed_step_is_updated_in_its_place() -> None:
    """Same id, other content."""
    before, after = [_message("a"), _message("b", "old")], [_message("a"), _message("b", "new")]
    assert difference(before, after) == [Update(_message("b", "new"))]


def test_a_note_that_only_ticks_is_no_change() -> None:
    """The reader's own clock counts on; when the note says something else it is sent."""
    assert difference([_still_held(1)], [_still_held(2)]) == []
    other = Note("n", ["p1"], "still releasing, 1 s", 1, kind="open", lead="still releasing", since_ns=0)
    assert difference([_still_held(1)], [other]) == [Update(other)]


@given(
    st.lists(st.sampled_from("abcdefgh"), unique=True), st.lists(st.sampled_from("abcdefgh"), unique=True), st.data()
)
def test_the_operations_turn_one_into_the_other(one: list[str], two: list[str], data: st.DataObject) -> None:
    """For any two lists of steps, with any of them changed."""
    before: list[Step] = [_message(name) for name in one]
    after: list[Step] = [_message(name, data.draw(st.sampled_from(["", "changed"]))) for name in two]
    assert apply(before, difference(before, after)) == after


@pytest.mark.parametrize(
    "operation",
    [Update(_message("x")), Remove(["x"]), Insert("x", [_message("y")])],
    ids=["update", "remove", "insert"],
)
def test_an_operation_on_a_step_that_is_not_there_is_refused(operation: Operation) -> None:
    """A client that has lost its place is to ask for a fresh page, not to guess."""
    with pytest.raises(KeyError, match="x"):
        apply([_message("a")], [operation])


def test_a_running_program_only_adds_at_the_end() -> None:
    """One more lifecycle is one insertion before the notes of what is open, whatever stands above."""
    s = Scenario()
    main = s.task("main")
    outer = s.use(main, s.resource("shop.Session"), (0, 1, None, None))
    for i in range(20):
        s.use(main, s.resource("shop.File", f"{i}.csv"), (i * 10 + 2, i * 10 + 3, i * 10 + 4, i * 10 + 5), inside=outer)
    before = s.draw(now=300)
    last = s.use(main, s.resource("shop.File", "last.csv"), (400, 401, 402, 403), inside=outer)
    operations = difference(before, s.draw(now=500))
    assert [type(operation) for operation in operations] == [Insert]
    (insert,) = operations
    assert isinstance(insert, Insert)
    assert insert.before == f"{outer.id}:open"
    assert [step.id for step in insert.steps] == [
        f"{last.resource.id}:resource",
        *(f"{last.id}:{what}" for what in ("acquire", "acquired", "active", "body", "release", "released")),
    ]


def test_a_growing_loop_only_changes_its_label() -> None:
    """One more of the same is one update of label and count: the fold's id and everything in it stay."""
    s = Scenario()
    main, file = s.task("main"), s.resource("shop.File", "orders.csv")
    for i in range(5):
        s.use(main, file, (i * 10, i * 10 + 1, i * 10 + 4, i * 10 + 5))
    before = s.draw()
    s.use(main, file, (50, 51, 54, 55))
    fold = f"{s.lifecycles[0].id}:loop"
    label = "6 times (wait p50 1 ms, hold p50 3 ms, p95 3 ms)"
    assert difference(before, s.draw()) == [Update(Begin(f"{fold}:begin", "loop", label, fold, 6))]


def test_columns_that_leave_change_nothing_but_themselves() -> None:
    """A window that slides on sends removals at its top and what is new at its end, however many columns go.

    One declaration changes its place: the lock is now used by worker-5 first.
    """
    s = Scenario()
    lock = s.resource("asyncio.locks.Lock", "stock", 1)
    for i in range(20):
        s.use(s.task(f"worker-{i}"), lock, (i * 10, i * 10 + 0.5, i * 10 + 4, i * 10 + 4.5))
    window, later = Scenario(), Scenario()
    window.lifecycles, later.lifecycles = s.lifecycles[:15], s.lifecycles[5:]
    operations = difference(window.draw(), later.draw())
    assert [type(operation) for operation in operations] == [Remove, Insert, Append]
    moved = [step.id for operation in operations if isinstance(operation, Insert) for step in operation.steps]
    assert moved == [f"{s.lifecycles[5].task.id}:task"]

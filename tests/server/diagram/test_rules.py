"""Rules that hold for every diagram: random programs, drawn in every way."""

from __future__ import annotations

import random
from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tests.golden.diagram.programs import Program, programs
from tests.golden.diagram.rules import Reader

from tenure_server.diagram import apply, difference, draw, mermaid
from tenure_server.diagram.left_out import drawn_lifecycles
from tenure_server.diagram.mermaid_activations import join_activations
from tenure_server.diagram.steps import Activate, Begin, End, Message, Note, Step
from tenure_server.model.lens import Lens
from tenure_server.model.records import Lifecycle

LENSES = st.builds(
    Lens,
    fold=st.booleans(),
    trace=st.sampled_from([None, "t" * 32]),
    tasks=st.sampled_from(["task", "coroutine"]),
    resources=st.sampled_from(["resource", "kind"]),
)
UNFOLDED = Lens(fold=False)


def _draw(program: Program, lens: Lens = UNFOLDED, *, fold_roots: bool = False) -> list[Step]:
    return draw(program.lifecycles, program.tasks, lens, program.now_ns, fold_roots=fold_roots)


@given(programs(), LENSES, st.booleans())
def test_every_picture_can_be_drawn(program: Program, lens: Lens, fold_roots: bool) -> None:
    """Columns stand before they are used and not after their end, activations end once, fragments nest."""
    Reader().read(_draw(program, lens, fold_roots=fold_roots))


@given(programs(), LENSES, st.booleans())
def test_a_picture_counts_every_lifecycle_once(program: Program, lens: Lens, fold_roots: bool) -> None:
    """Whether it is drawn, or stands behind a fold."""
    steps = _draw(program, lens, fold_roots=fold_roots)
    assert drawn_lifecycles(steps)[-1] == len({lifecycle.id for lifecycle in program.lifecycles})


@given(programs())
def test_what_is_open_stays_active_to_the_bottom(program: Program) -> None:
    """Who holds has a bar that goes on, who waits has none, and each one has its note after everything else."""
    steps = _draw(program)
    still = [it for it in program.lifecycles if it.released_ns is None and it.phase != "abandoned"]
    active = [it for it in still if it.acquired_ns is not None]
    assert len(Reader().read(steps).active) == len(active)
    tail = steps[len(steps) - len(still) :]
    assert Counter(step.lifecycle for step in tail if isinstance(step, Note) and step.kind == "open") == Counter(
        it.id for it in still
    )


@given(programs(), LENSES)
def test_no_bar_begins_before_the_acquire_is_done(program: Program, lens: Lens) -> None:
    """In every picture; in Mermaid only where nothing stands between the call and its answer."""
    steps = _draw(program, lens)
    answered: set[str | None] = set()
    for step in steps:
        if isinstance(step, Message):
            assert not step.activate
            if step.id.endswith(":acquired"):
                answered.add(step.lifecycle)
        assert not isinstance(step, Activate) or step.lifecycle in answered
    for call, answer in pairwise(join_activations(steps)):
        if isinstance(call, Message) and call.activate:
            assert isinstance(answer, Message)
            assert answer.id == f"{call.lifecycle}:acquired"


@given(programs())
def test_every_lifecycle_is_told_in_full_and_in_order(program: Program) -> None:
    """Unfolded, the messages of a task are exactly its lifecycles' happenings, in the order of their times."""
    steps = [step for step in _draw(program) if isinstance(step, Message) and step.lifecycle is not None]
    told: dict[str, list[str]] = {}
    for step in steps:
        if not step.id.endswith(":body"):
            told.setdefault(step.lifecycle or "", []).append(step.id.rpartition(":")[2])
    assert told == {it.id: _happenings(it) for it in program.lifecycles}
    for task in {it.task.id for it in program.lifecycles}:
        own = {it.id for it in program.lifecycles if it.task.id == task}
        times = [step.at_ns for step in steps if step.lifecycle in own]
        assert times == sorted(times)


def _happenings(it: Lifecycle) -> list[str]:
    reached = (it.acquire_ns, it.acquired_ns, it.release_ns, it.released_ns)
    return [name for name, at in zip(("acquire", "acquired", "release", "released"), reached, strict=True) if at]


@given(programs(), st.integers())
def test_the_order_of_the_input_does_not_matter(program: Program, seed: int) -> None:
    """A store may answer newest first."""
    shuffled = random.Random(seed).sample(program.lifecycles, len(program.lifecycles))
    assert _draw(Program(shuffled, program.tasks, program.now_ns), Lens()) == _draw(program, Lens())


@given(programs())
def test_opening_every_fold_is_the_same_as_not_folding(program: Program) -> None:
    """Folds open one by one, from the outside in, and then nothing is left hidden."""
    opened: list[str] = []
    while folds := [step.fold for step in _draw(program, Lens(opened=opened)) if isinstance(step, Begin)]:
        assert not set(folds) & set(opened)
        opened += [fold for fold in folds if fold is not None]
    assert _draw(program, Lens(opened=opened)) == _draw(program)


@given(programs())
def test_folding_takes_away_and_adds_nothing_of_its_own(program: Program) -> None:
    """A folded picture's messages are some of the unfolded one's, and those in no fold are the same to the letter."""
    unfolded = {step.id: step for step in _draw(program)}
    depth = 0
    for step in _draw(program, Lens()):
        depth += isinstance(step, Begin) - isinstance(step, End)
        if isinstance(step, Message):
            assert step.id in unfolded
        if isinstance(step, Message) and depth == 0:
            assert _without_columns(step) == _without_columns(unfolded[step.id])


def _without_columns(step: Step) -> tuple[object, ...]:
    assert isinstance(step, Message)
    return step.arrow, step.label, step.at_ns, step.outcome, step.activate, step.deactivate


@given(programs(), st.floats(0, 1), st.floats(0, 1), LENSES)
def test_a_difference_turns_one_picture_into_the_other(program: Program, one: float, two: float, lens: Lens) -> None:
    """At any two moments of a program, forwards and backwards; what merely ticks may stay."""
    before, after = (_draw(_at(program, share), lens) for share in (one, two))
    assert _still(apply(before, difference(before, after))) == _still(after)


def _at(program: Program, share: float) -> Program:
    begin = min((it.acquire_ns for it in program.lifecycles), default=program.now_ns)
    return program.at(begin + round((program.now_ns - begin) * share))


def _still(steps: list[Step]) -> list[object]:
    return [
        (step.id, step.over, step.lead, step.since_ns, step.kind)
        if isinstance(step, Note) and step.since_ns is not None
        else step
        for step in steps
    ]


@given(programs(), st.integers(1, 2_000))
def test_no_text_is_longer_than_the_limit(program: Program, limit: int) -> None:
    """However small the limit is, down to one that holds the note alone."""
    text = mermaid(_draw(program), limit)
    assert len(text) <= max(limit, 100)
    assert text.startswith("sequenceDiagram\n")

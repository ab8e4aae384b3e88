"""The contract of a store: the input of diagrams. Every backend passes it."""

from __future__ import annotations

import pytest
from tests.server.support.batches import OK, Program, at

from tenure_server.diagram.steps import Note
from tenure_server.errors import NotFound
from tenure_server.model.lens import Lens
from tenure_server.model.records import Task
from tenure_server.store import Store
from tenure_server.store.load_diagram import draw_input


async def test_a_scene_has_what_its_lens_shows(store: Store) -> None:
    """One trace, one resource, one task with its children, one process, or all; in the order of their acquire."""
    one, two = Program(1), Program(2)
    outer = one.use("main", "Pool orders", acquire=0, wait=1, hold=100, release=2)
    one.task("worker-1", parent="main", created_in=outer, created=5, finished=60, outcome=OK)
    one.use("worker-1", "Lock stock", acquire=10, wait=1, hold=5, release=1, parent=outer)
    one.use("other", "Lock stock", acquire=30, wait=1, hold=5, release=1)
    two.use("main", "Lock stock", acquire=20, wait=1, hold=5, release=1)
    await store.write(one.batch())
    await store.write(two.batch())

    async def shown(**lens: str | int) -> list[str]:
        scene = await store.diagram_input(Lens(**lens), 100)  # type: ignore[arg-type]
        assert scene.earlier == 0
        return [lifecycle.id for lifecycle in scene.lifecycles]

    assert await shown() == [one.id(1), one.id(2), two.id(1), one.id(3)]
    assert await shown(trace=one.trace_id(1)) == [one.id(1), one.id(2)]
    assert await shown(resource=one.id(2)) == [one.id(2), one.id(3)]
    assert await shown(task=one.id(1)) == [one.id(1), one.id(2)]
    assert await shown(task=one.id(2)) == [one.id(2)]
    assert await shown(process=two.hex) == [two.id(1)]
    assert await shown(since_ns=at(10), until_ns=at(30)) == [one.id(2), two.id(1)]
    scene = await store.diagram_input(Lens(task=one.id(2)), 100)
    assert scene.tasks == {
        one.id(2): Task(
            one.id(2), one.hex, "worker-1", "worker", "task", one.id(1), one.id(1), at(5), at(60), "ok", None
        ),
        one.id(1): Task(one.id(1), one.hex, "main", "main", "task", None, None, at(0), None, None, None),
    }


@pytest.mark.parametrize("subject", ["trace", "task", "resource", "process"])
async def test_a_scene_of_an_unknown_subject_is_refused(store: Store, subject: str) -> None:
    """There is nothing to draw, and the reader should know why."""
    program = Program()
    program.use("main", "Lock stock", acquire=0)
    await store.write(program.batch())
    for unknown in ("ff" * 16, program.id(99), program.trace_id(99), "nonsense"):
        with pytest.raises(NotFound, match=f"no {subject}"):
            await store.diagram_input(Lens(**{subject: unknown}), 100)


async def test_a_scene_keeps_the_newest_and_what_is_open(store: Store) -> None:
    """A limit takes away the oldest closed ones and says how many; a window never hides what is still held."""
    program = Program()
    held = program.use("main", "Pool orders", acquire=0, wait=1)
    for n in range(1, 11):
        program.use("main", "Lock stock", acquire=n * 5_000, wait=1, hold=1, release=1, parent=held)
    await store.write(program.batch())

    async def shown(lens: Lens, limit: int) -> tuple[list[int], int]:
        scene = await store.diagram_input(lens, limit)
        return [int(lifecycle.id.partition("-")[2]) for lifecycle in scene.lifecycles], scene.earlier

    everything_shown = [1, *range(2, 12)]
    assert await shown(Lens(), 100) == (everything_shown, 0)
    for lens in (Lens(), Lens(trace=program.trace_id(1)), Lens(process=program.hex), Lens(task=program.id(1))):
        assert await shown(lens, 4) == ([1, 9, 10, 11], 7)
    assert await shown(Lens(resource=program.id(2)), 4) == ([8, 9, 10, 11], 6)
    assert await shown(Lens(since_ns=at(30_000)), 100) == ([1, 7, 8, 9, 10, 11], 0)
    assert await shown(Lens(since_ns=at(30_000)), 3) == ([1, 10, 11], 3)


async def test_a_scene_grows_at_its_end_while_the_newest_join_on_to_what_was_shown(store: Store) -> None:
    """What was shown stays beside the newest; where too much came between it goes, and the scene begins anew."""
    program = Program()

    async def go_on(rounds: int) -> None:
        for _ in range(rounds):
            program.use("main", "Lock stock", acquire=len(program.uses) * 10, wait=1, hold=1, release=1)
        await store.write(program.batch())

    async def shown(keep: list[int]) -> tuple[list[int], int]:
        scene = await store.diagram_input(Lens(), 4, [program.id(number) for number in keep])
        return [int(lifecycle.id.partition("-")[2]) for lifecycle in scene.lifecycles], scene.earlier

    await go_on(10)
    assert await shown([]) == ([7, 8, 9, 10], 6)
    await go_on(3)
    assert await shown([7, 8, 9, 10]) == ([7, 8, 9, 10, 11, 12, 13], 6)
    await go_on(10)
    assert await shown([7, 8, 9, 10, 11, 12, 13]) == ([20, 21, 22, 23], 19)


async def test_a_scene_brings_along_whom_its_waits_waited_for(store: Store) -> None:
    """Those who had the resource, or stood before one in its queue, though the lens does not show them."""
    program = Program()
    program.use("idle", "Lock stock", acquire=0, wait=0.001, hold=1, release=0.001)  # over long before
    program.use("holder", "Lock stock", acquire=10, wait=0.001, hold=50, release=0.001)
    program.use("before", "Lock stock", acquire=20, wait=41, hold=10, release=0.001)
    waiting = program.use("waiter", "Lock stock", acquire=30, wait=42, hold=1, release=0.001)
    program.use("later", "Lock stock", acquire=300, wait=0.001, hold=1, release=0.001)
    await store.write(program.batch())

    scene = await store.diagram_input(Lens(trace=program.trace_id(waiting.id)), 100)

    assert [lifecycle.task.name for lifecycle in scene.lifecycles] == ["waiter"]
    assert [lifecycle.task.name for lifecycle in scene.context] == ["holder", "before"]


async def test_a_holder_from_long_before_the_window_explains_a_wait(store: Store) -> None:
    """A pool of two: one place was held all the time, while the other had a thousand short uses."""
    program = Program()
    program.resource("Pool orders", capacity=2, stereotype="database")
    program.use("long", "Pool orders", acquire=0, wait=0.001, hold=5_000, release=0.001)
    for n in range(1_000):
        program.use("short", "Pool orders", acquire=1 + n * 4, wait=0.001, hold=1, release=0.001)
    program.use("before", "Pool orders", acquire=4_500, wait=0.001, hold=600, release=0.001)
    program.use("waiter", "Pool orders", acquire=4_600, wait=400.1, hold=1, release=0.001)
    await store.write(program.batch())

    lens = Lens(since_ns=at(4_550))
    scene = await store.diagram_input(lens, 100)

    assert [lifecycle.task.name for lifecycle in scene.lifecycles] == ["waiter"]
    assert [lifecycle.task.name for lifecycle in scene.context] == ["long", "before"]
    notes = [step.text for step in draw_input(scene, lens, at(6_000)) if isinstance(step, Note)]
    assert notes == ["waits for long (shop.py:10) and 1 more 400 ms"]

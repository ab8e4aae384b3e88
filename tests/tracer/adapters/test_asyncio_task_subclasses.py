"""Tasks that are made by calling ``asyncio.Task`` or a subclass of it."""

import asyncio
import sys

import pytest
from tests.tracer.support.task_outcomes import ended, work

from tenure._core import probe_backend
from tenure._identify import tracer


def test_a_task_that_is_made_by_hand_has_its_creator(recorder):
    """By asyncio.Task itself, in either form; how it ended is not known. The Python probe finds it, with no creator."""

    async def main():
        loop = asyncio.get_running_loop()
        async with asyncio.Lock():
            await asyncio.Task(work(), loop=loop, name="one")
            await asyncio.Task(coro=work(), loop=loop, name="two")
        with pytest.raises(TypeError, match="coroutine was expected"):
            asyncio.Task(17, loop=loop)

    asyncio.run(main())
    if probe_backend.SERVES:
        assert ended(recorder) == [
            ("one", "work", "main", None),
            ("two", "work", "main", None),
            ("main", main.__qualname__, None, "ok"),
        ]
        assert recorder.tree() == ["main: Lock", "  one: Lock", "  two: Lock"]
    else:
        assert recorder.tree() == ["main: Lock", "one: Lock", "two: Lock"]
    assert tracer.current.tasks.creating == {}


def test_a_subclass_of_task_is_what_it_was(recorder):
    """It may be made while recording or before, and be used afterwards."""

    class Own(asyncio.Task):
        def __init__(self, coroutine, **named):
            super().__init__(coroutine, **named)

    class Plain(asyncio.Task):
        pass

    async def main():
        loop = asyncio.get_running_loop()
        for kind in (Own, Plain):
            loop.set_task_factory(lambda loop, coroutine, kind=kind, **named: kind(coroutine, loop=loop, **named))
            task = asyncio.create_task(work(), name=kind.__name__)
            loop.set_task_factory(None)
            assert type(task) is kind
            await task

    asyncio.run(main())
    assert ended(recorder) == [
        ("Own", "work", "main", "ok"),
        ("Plain", "work", "main", "ok"),
        ("main", main.__qualname__, None, "ok"),
    ]
    recorder.stop()
    asyncio.run(main())


@pytest.mark.usefixtures("recorder")
async def test_a_task_that_is_made_by_hand_is_gone_when_it_was():
    """Nobody keeps it for the loop's next turn, in which a callback would be called."""

    async def fail():
        raise ValueError("nobody asks")

    said = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context["message"]))
    asyncio.Task(fail())
    await asyncio.sleep(0)
    assert said == ["Task exception was never retrieved"]


if sys.version_info >= (3, 12):

    @pytest.mark.native_probe  # the Python probe does not see asyncio.Task called
    def test_a_task_that_is_made_by_hand_and_eager_has_its_creator(recorder):
        """As a library makes them that passes the loop's factory over."""

        async def main():
            loop = asyncio.get_running_loop()
            async with asyncio.Lock():
                await asyncio.Task(work(), loop=loop, name="eager", eager_start=True)

        asyncio.run(main())
        assert recorder.tree() == ["main: Lock", "  eager: Lock"]

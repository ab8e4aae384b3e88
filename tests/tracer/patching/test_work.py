"""``tenure.work``: a block or a function is a unit of work, and the program does not notice."""

import asyncio
import contextlib
import functools
import inspect

import pytest

import tenure
from tenure import testing
from tenure._patching.work import Work

CALLED = Work("called")


async def hold(name: str) -> None:
    async with tenure.work(name):
        await asyncio.sleep(0)


def hold_now(name: str) -> None:
    with tenure.work(name):
        pass


@tenure.work
async def settle(error: BaseException | None = None) -> str:
    if error is not None:
        raise error
    async with asyncio.timeout(9):
        return await asyncio.sleep(0, "settled")


@tenure.work("monthly report")
def report(error: BaseException | None = None) -> str:
    if error is not None:
        raise error
    return "reported"


@CALLED
def called() -> None:
    hold_now("inside")


class Shop:
    @tenure.work
    @staticmethod
    def close() -> str:
        return "closed"

    @tenure.work
    @classmethod
    def open(cls) -> str:
        return cls.__name__

    @tenure.work
    def count(self) -> int:
        return 3


def line_of(code_or_text: str) -> int:
    """The line of this file that has this text first."""
    lines = inspect.getsource(inspect.getmodule(line_of)).splitlines()
    return next(number for number, line in enumerate(lines, 1) if code_or_text in line)


def test_a_block_is_one_lifecycle_at_its_line(recorder, written) -> None:
    """By ``with`` and ``async with``, in rewritten code and in code as it is: named, placed and left with its block."""

    async def main() -> None:
        await written(hold)("nightly import")
        written(hold_now)("cleaning")

    assert recorder.run(main()) == ["main: work nightly import, ok ok ok", "main: work cleaning, ok ok ok"]
    assert [lifecycle.line for lifecycle in recorder.lifecycles()] == [
        line_of("async with tenure.work(name):"),
        line_of("    with tenure.work(name):"),
    ]
    assert [(site.function, site.file) for site in recorder.sites()] == [("hold", __file__), ("hold_now", __file__)]


def test_a_block_in_another_is_its_child(recorder) -> None:
    """Outside it is a root, inside it is a child; a task that is created within is a child too."""

    async def main() -> None:
        with tenure.work("outer"):
            await hold("inner")
            await asyncio.create_task(hold("beside"), name="other")
        hold_now("after")

    asyncio.run(main())
    assert recorder.tree() == ["main: work outer", "  main: work inner", "  other: work beside", "main: work after"]


def test_an_exception_of_the_block_is_its_outcome(recorder) -> None:
    """The program gets its exception, and the lifecycle has it."""

    async def main() -> None:
        with pytest.raises(ValueError, match="no stock"):
            async with tenure.work("a"):
                raise ValueError("no stock")
        with pytest.raises(ValueError, match="no stock"), tenure.work("b"):
            raise ValueError("no stock")
        task = asyncio.create_task(wait())
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def wait() -> None:
        async with tenure.work("c"):
            await asyncio.Event().wait()

    assert recorder.run(main()) == [
        "main: work a, ok error(ValueError) goes on",
        "main: work b, ok error(ValueError) goes on",
        "wait-1: work c, ok cancelled(CancelledError) goes on",
    ]


def test_one_unit_may_be_entered_by_several_tasks_and_again_within(recorder) -> None:
    """Each entry is its own lifecycle, and each ends with its own block, in whatever order."""
    unit = tenure.work("shared")
    order: list[str] = []

    async def use(name: str, entered: asyncio.Event, leave: asyncio.Event) -> None:
        with unit, unit:
            entered.set()
            await leave.wait()
        order.append(name)

    async def main() -> None:
        first, second, go_first, go_second = (asyncio.Event() for _ in range(4))
        tasks = [asyncio.create_task(use("first", first, go_first), name="first")]
        await first.wait()
        tasks.append(asyncio.create_task(use("second", second, go_second), name="second"))
        await second.wait()
        go_first.set()
        await asyncio.wait(tasks[:1])
        assert recorder.lines()[:2] == ["first: work shared, ok ok ok"] * 2
        assert recorder.lines()[2:] == ["second: work shared, ok ?"] * 2
        go_second.set()
        await asyncio.wait(tasks)

    asyncio.run(main())
    assert order == ["first", "second"]
    assert recorder.lines()[2:] == ["second: work shared, ok ok ok"] * 2


def test_a_unit_is_left_by_another_task_than_entered_it(recorder) -> None:
    """An exit stack that is closed elsewhere ends the lifecycle."""

    async def main() -> None:
        stack = contextlib.ExitStack()
        stack.enter_context(tenure.work("handed on"))
        await asyncio.create_task(close(stack))

    async def close(stack: contextlib.ExitStack) -> None:
        stack.close()

    assert recorder.run(main()) == ["main: work handed on, ok ok ok"]


def test_each_call_of_a_decorated_function_is_a_unit(recorder) -> None:
    """It is named by the function or as given, placed at its definition, and has what the call holds as children."""

    async def main() -> None:
        assert await settle() == "settled"
        assert report() == "reported"
        called()
        assert (Shop.close(), Shop.open(), Shop().count()) == ("closed", "Shop", 3)

    asyncio.run(main())
    assert recorder.tree() == [
        "main: work settle",
        "  main: timeout 9 s",
        "main: work monthly report",
        "main: work called",
        "  main: work inside",
        "main: work Shop.close",
        "main: work Shop.open",
        "main: work Shop.count",
    ]
    first = recorder.sites()[0]
    assert (first.file, first.line, first.function) == (__file__, line_of("async def settle") - 1, "settle")


def test_a_decorated_function_ends_with_its_exception(recorder) -> None:
    """An error and a cancellation are outcomes, and the traceback has no frame of Tenure's."""

    async def main() -> None:
        for error in (ValueError("no stock"), asyncio.CancelledError()):
            with pytest.raises(type(error)) as caught:
                await settle(error)
            assert [entry.name for entry in caught.traceback] == ["main", "settle"]
        with pytest.raises(ValueError, match="no paper") as raised:
            report(ValueError("no paper"))
        assert [entry.name for entry in raised.traceback] == ["main", "report"]

    assert recorder.run(main()) == [
        "main: work settle, ok error(ValueError) goes on",
        "main: work settle, ok cancelled(CancelledError) goes on",
        "main: work monthly report, ok error(ValueError) goes on",
    ]


def test_a_decorated_function_looks_as_before() -> None:
    """Its kind, name, text, signature and defaults are those of the function."""
    assert inspect.iscoroutinefunction(settle)
    assert not inspect.iscoroutinefunction(report)
    assert (settle.__name__, settle.__module__, settle.__doc__) == ("settle", __name__, None)
    assert str(inspect.signature(settle)) == "(error: BaseException | None = None) -> str"
    assert functools.partial(report)() == "reported"


def test_without_a_recording_nothing_is_kept() -> None:
    """Blocks and functions do what they did, before a recording and after it."""
    unit = tenure.work("idle")
    with testing.recorder() as recorder:
        pass
    with unit:
        assert unit._entries == []
    asyncio.run(hold("idle"))
    assert (asyncio.run(settle()), report()) == ("settled", "reported")
    assert recorder.lifecycles() == []


def test_a_unit_that_is_open_when_recording_ends_goes_on() -> None:
    """The block ends without an error, and the next recording has nothing of it."""
    unit = tenure.work("between")
    with testing.recorder():
        unit.__enter__()
    with testing.recorder() as recorder:
        unit.__exit__(None, None, None)
        with unit:
            pass
        assert [lifecycle.outcomes for lifecycle in recorder.lifecycles()] == ["ok ok ok"]


def test_what_asyncio_run_holds_within_a_unit_is_its_child(recorder) -> None:
    """A thread's unit of work has the tasks that it creates from outside any task; after its end it has none."""

    @tenure.work
    def job() -> None:
        asyncio.run(hold("in a call"))

    with tenure.work("block"):
        asyncio.run(hold("in a block"))
    job()
    asyncio.run(hold("alone"))
    assert recorder.tree() == [
        "MainThread: work block",
        "  hold: work in a block",
        "MainThread: work test_what_asyncio_run_holds_within_a_unit_is_its_child.<locals>.job",
        "  hold-2: work in a call",
        "hold-3: work alone",
    ]


def numbers():
    yield 1


async def numbers_later():
    yield 1


@pytest.mark.parametrize(
    ("subject", "problem"),
    [
        ((), "needs a name"),
        ((None,), "needs a name"),
        (("",), "not empty"),
        ((7,), "not an object of int"),
        ((b"name",), "not an object of bytes"),
        ((Shop,), "not the class Shop"),
        ((numbers,), "numbers is a generator function"),
        ((numbers_later,), "numbers_later is a generator function"),
        ((contextlib.contextmanager(numbers),), "numbers is a generator function"),
        ((functools.partial(numbers),), "numbers is a generator function"),
    ],
)
def test_bad_input_is_a_clear_type_error(subject, problem) -> None:
    """At the line that is wrong, with what to do instead; with a name too."""
    with pytest.raises(TypeError, match=problem):
        tenure.work(*subject)
    if subject and subject[0] not in {None, ""}:
        with pytest.raises(TypeError, match=problem):
            tenure.work("name")(subject[0])

"""What one call opens and another closes, on a small library of the usual shapes."""

import asyncio
import contextlib
import gc
import inspect
import traceback

import pytest

from tenure import resources
from tenure.adapters import connections
from tenure.resources import Description

LINK, POOL = "small.Link shop", "small.Pool pool"


class Link:
    """Is made by functions that return it open."""

    closed = 0

    @classmethod
    async def dial(cls, name, wait=None):
        if wait is not None:
            await wait.wait()
        if name == "nowhere":
            raise OSError("nobody answers")
        return cls()

    async def close(self, error=None):
        self.closed += 1
        if error is not None:
            self.abort()
            raise error

    def abort(self):
        self.closed += 1

    async def __aenter__(self):
        return self

    async def __aexit__(self, *details):
        await self.close()


class Pool:
    """Opens itself, by a call or by a statement."""

    async def open(self):
        await asyncio.sleep(0)

    async def close(self):
        await asyncio.sleep(0)

    async def __aenter__(self):
        await self.open()
        return self

    async def __aexit__(self, *details):
        await self.close()


class LoudPool(Pool):
    async def open(self):
        await super().open()


async def dial(name):
    return await Link.dial(name)


def describe_link(arguments, named):
    return Description("small.Link", None, named.get("name") or arguments[1])


def describe_pool(pool, _):
    return Description("small.Pool", pool, None, 3)


@pytest.fixture(autouse=True)
def library(recorder):
    """The two classes as an adapter has them, which may be installed more than once."""
    for _ in range(2):
        patch_library()


def patch_library():
    connections.patch_function(
        (Link,),
        "dial",
        Link,
        ("close", "abort"),
        describe_link,
        entered=lambda _, __: Description("small.Link", None, "entered"),
    )
    connections.patch_method(Pool, "open", ("close",), describe_pool)


async def by_hand():
    link = await Link.dial("shop")
    await link.close()


async def by_statement(error=None):
    async with await Link.dial("shop"):
        if error is not None:
            raise error


async def open_by_hand(pool):
    await pool.open()
    await pool.close()


async def open_by_statement(pool):
    async with pool:
        pass


def test_from_the_call_that_opens_to_the_call_that_closes_it_is_held(recorder):
    """At the place of the first, under the names of both."""
    assert recorder.run(by_hand()) == [f"by_hand: {LINK}, ok ok ok"]
    site = recorder.sites()[0]
    assert (site.file, site.line, site.function, site.expression, site.enter, site.exit) == (
        __file__,
        by_hand.__code__.co_firstlineno + 1,
        "by_hand",
        "Link.dial('shop')".replace("'", '"'),
        "dial",
        "close",
    )


def test_what_opens_itself_is_held_however_that_is_asked_for(recorder, written):
    """By calls, by a statement, and by a subclass that calls its base: one lifecycle each, and one resource."""

    async def main():
        for pool in (Pool(), LoudPool()):
            await open_by_hand(pool)
            await written(open_by_statement)(pool)

    assert recorder.run(main()) == [f"main: {POOL} (3), ok ok ok"] * 4
    assert [site.function for site in recorder.sites()] == ["open_by_hand", "open_by_statement"] * 2
    assert [resource.id for resource in recorder.resources()] == [1, 1, 2, 2]


@pytest.mark.parametrize(("error", "outcome"), [(None, "ok ok ok"), (ValueError("no"), "ok error(ValueError) goes on")])
def test_what_is_opened_and_then_entered_is_one_lifecycle(recorder, written, error, outcome):
    """It begins with the call, and its body is the statement's."""

    async def main():
        with contextlib.suppress(ValueError):
            await written(by_statement)(error)

    assert recorder.run(main()) == [f"main: {LINK}, {outcome}"]


def test_once_closed_it_may_be_opened_again_or_entered(recorder, written):
    """To enter what is open is nothing new; to enter what is closed is."""

    async def main():
        pool = Pool()
        await pool.open()
        await written(open_by_statement)(pool)
        await written(open_by_statement)(pool)
        await pool.open()
        await pool.open()
        await written(open_by_statement)(pool)
        await written(open_by_statement)(Link())

    assert recorder.run(main()) == [*[f"main: {POOL} (3), ok ok ok"] * 3, "main: small.Link entered, ok ok ok"]


def test_the_first_of_the_calls_that_close_ends_it(recorder):
    """What closes by another of them within itself, or is closed twice, ended once."""

    async def main():
        link = await Link.dial("shop")
        link.abort()
        await link.close()
        link = await Link.dial("shop")
        with pytest.raises(OSError, match="stuck"):
            await link.close(OSError("stuck"))
        return link.closed

    assert asyncio.run(main()) == 2
    assert recorder.lines() == [f"main: {LINK}, ok ok ok", f"main: {LINK}, ok ok error(OSError)"]


def test_an_opening_that_fails_or_is_cancelled_held_nothing(recorder):
    """It ends with what the program got."""

    async def main():
        with pytest.raises(OSError, match="nobody answers"):
            await Link.dial(name="nowhere")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await Link.dial("shop", asyncio.Event())

    assert [line for line in recorder.run(main()) if "small" in line] == [
        "main: small.Link nowhere, error(OSError)",
        f"main: {LINK}, cancelled(CancelledError)",
    ]


def test_an_opening_that_hangs_is_seen_to(recorder):
    """So is one that is open still."""

    async def main():
        link = await Link.dial("shop")
        event = asyncio.Event()
        task = asyncio.create_task(Link.dial("elsewhere", wait=event))
        await asyncio.sleep(0)
        seen = recorder.lines()
        event.set()
        await (await task).close()
        await link.close()
        return seen

    assert asyncio.run(main()) == [f"main: {LINK}, ok ?", "main: small.Link elsewhere, ?"]
    assert recorder.lines() == [f"main: {LINK}, ok ok ok", "main: small.Link elsewhere, ok ok ok"]


def test_what_is_opened_by_a_task_of_its_own_is_the_makers(recorder):
    """Those that gather makes, and wait_for until CPython 3.11."""

    async def main():
        links = [await asyncio.wait_for(Link.dial("shop"), 1), *await asyncio.gather(Link.dial("shop"))]
        await asyncio.gather(*(link.close() for link in links))

    assert recorder.run(main()) == [f"main: {LINK}, ok ok ok"] * 2


def test_another_task_may_close_it(recorder):
    """A pool of connections does: the lifecycle is that of who opened it."""

    async def main():
        link = await Link.dial("shop")
        await asyncio.create_task(link.close())

    assert recorder.run(main()) == [f"main: {LINK}, ok ok ok"]


@pytest.mark.parametrize("in_a_cycle", [False, True])
@pytest.mark.parametrize("closes_itself", [False, True])
def test_what_is_dropped_open_is_held_no_more(recorder, monkeypatch, closes_itself, in_a_cycle):
    """Nobody closed it: the release failed when the last reference went, whatever it then does itself."""

    async def main():
        link = await Link.dial("shop")
        link.itself = link if in_a_cycle else None
        del link
        gc.collect()
        return recorder.lines()

    def __del__(link):  # noqa: N807  # its name is what tells
        link.abort()

    if closes_itself:
        monkeypatch.setattr(Link, "__del__", __del__, raising=False)
    assert asyncio.run(main()) == [f"main: {LINK}, ok ok error(NeverClosed)"]


def test_the_program_sees_what_it_would_see_without_us(recorder):
    """Tracebacks, coroutine functions, class methods, and coroutines that nobody awaited."""

    async def fail():
        await Link.dial("nowhere")

    async def main():
        try:
            await fail()
        except OSError as error:
            return [frame.name for frame in traceback.extract_tb(error.__traceback__)]

    assert asyncio.run(main()) == ["main", "fail", "dial"]
    assert inspect.iscoroutinefunction(Link.dial)
    assert inspect.iscoroutinefunction(Pool.open)
    assert not inspect.iscoroutinefunction(Link.abort)
    assert (Link.dial.__self__, str(inspect.signature(Link.dial))) == (Link, "(name, wait=None)")
    coroutine = Link.dial("shop")
    assert coroutine.__qualname__ == "Link.dial"
    coroutine.close()
    assert recorder.lines()[0] == "main: small.Link nowhere, error(OSError)"


def test_what_is_described_wrongly_costs_its_records_and_nothing_else(recorder, caplog):
    """A library of an unexpected shape: said once, and the program goes on."""

    class Other:
        dial, close, closed = classmethod(Link.dial.__wrapped__), Link.close, 0

    connections.patch_function((Other,), "dial", Other, ("close",), lambda arguments, _: arguments[7])

    async def main():
        for _ in range(2):
            await (await Other.dial("shop")).close()

    assert recorder.run(main()) == []
    assert [record.getMessage().partition(" failed")[0] for record in caplog.records] == [
        f"tenure: finding the resource of a {Other.__qualname__}"
    ]


@pytest.mark.parametrize(
    ("patch", "message"),
    [
        (lambda: connections.patch_method(Pool, "start", ("close",), describe_pool), "Pool has no function start"),
        (lambda: connections.patch_method(Pool, "open", ("quit",), describe_pool), "Pool has no function quit"),
        (
            lambda: connections.patch_function((Link,), "connect", Link, ("close",), describe_link),
            "no function connect that opens a Link",
        ),
    ],
)
def test_a_library_without_these_calls_is_refused(patch, message):
    """The error says what is missing."""
    with pytest.raises(TypeError, match=message):
        patch()


def test_everything_is_as_it_was_afterwards(recorder):
    """The calls are the library's own again, and what is open then is held no more."""

    async def main():
        link = await Link.dial("shop")
        recorder.stop()
        await link.close()

    asyncio.run(main())
    functions = Link.dial, Link.close, Link.abort, Link.__aexit__, Pool.open, Pool.close, Pool.__aenter__
    assert [hasattr(function, "__tenure__") for function in functions] == [False] * len(functions)
    assert not resources.is_patched(Pool)

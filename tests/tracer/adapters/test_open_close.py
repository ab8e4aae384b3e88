"""A resource that one call opens and another closes is held between them."""

import asyncio
import contextlib
import gc

import pytest
from tests.tracer.support import fake_library
from tests.tracer.support.fake_library import LINK, POOL, Link, LoudPool, Pool


@pytest.fixture(autouse=True)
def library(recorder):
    """The two classes as an adapter has them, which may be installed more than once."""
    for _ in range(2):
        fake_library.patch_library()


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
        "Link.dial('…')",
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

"""A program does not notice that its connections are recorded, whatever the library's classes look like."""

import asyncio
import inspect
import traceback

import pytest
from tests.tracer.support import fake_library
from tests.tracer.support.fake_library import Link, Pool, describe_link, describe_pool

from tenure._identify import resources
from tenure.adapters._kit import open_close


@pytest.fixture(autouse=True)
def library(recorder):
    """The two classes as an adapter has them, which may be installed more than once."""
    for _ in range(2):
        fake_library.patch_library()


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


@pytest.mark.parametrize(("kind", "name"), [(Pool, "open"), (Pool, "close"), (Link, "abort")])
def test_a_call_without_its_object_is_the_libraries_own_error(recorder, kind, name):
    """A TypeError that names the function, also while something else is open."""

    async def main():
        link = await Link.dial("shop")
        with pytest.raises(TypeError, match="missing 1 required positional argument"):
            await getattr(kind, name)()
        await link.close()

    assert [line.rpartition(", ")[2] for line in recorder.run(main())] == ["ok ok ok"]


def test_what_is_described_wrongly_costs_its_records_and_nothing_else(recorder, caplog):
    """A library of an unexpected shape: said once, and the program goes on."""

    class Other:
        dial, close, closed = classmethod(Link.dial.__wrapped__), Link.close, 0

    open_close.patch_function((Other,), "dial", Other, ("close",), lambda arguments, _: arguments[7])

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
        (lambda: open_close.patch_method(Pool, "start", ("close",), describe_pool), "Pool has no function start"),
        (lambda: open_close.patch_method(Pool, "open", ("quit",), describe_pool), "Pool has no function quit"),
        (
            lambda: open_close.patch_function((Link,), "connect", Link, ("close",), describe_link),
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

"""An exception that goes through several lifecycles counts where it left the innermost one."""

import asyncio
from contextlib import suppress

import pytest

from tenure import testing

PROGRAM = """
import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

slots, lock = asyncio.Semaphore(2), asyncio.Lock()

@asynccontextmanager
async def acquire():
    async with slots:
        yield

async def wrapped():
    async with lock, AsyncExitStack() as stack:
        await stack.enter_async_context(acquire())
        raise ValueError("no stock")

async def child(fails):
    async with slots:
        await asyncio.sleep(0)
        if fails:
            raise ValueError("no stock")

async def gathered():
    async with lock:
        await asyncio.gather(child(True), child(False))

async def another():
    async with lock:
        try:
            await child(True)
        except ValueError as error:
            raise KeyError("order") from error

async def handled():
    async with lock:
        try:
            await child(True)
        except ValueError:
            pass

class Refuses:
    async def __aenter__(self):
        raise OSError("refused")

    async def __aexit__(self, *error):
        pass

class Slow:
    def __init__(self, flush):
        self.flush = flush

    async def __aenter__(self):
        pass

    async def __aexit__(self, *error):
        self.flush()

async def slow(flush):
    async with Slow(flush):
        await child(True)

async def refused():
    async with lock, Refuses():
        pass

async def replaced():
    async with lock, Replaces():
        raise ValueError("no stock")

class Replaces:
    async def __aenter__(self):
        pass

    async def __aexit__(self, *error):
        raise OSError("lost")
"""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("wrapped", ["Lock error, before", "AsyncExitStack error, before", "acquire error, before", "Semaphore error"]),
        ("gathered", ["Lock error, before", "Semaphore error", "Semaphore ok"]),
        ("another", ["Lock error", "Semaphore error"]),
        ("handled", ["Lock ok", "Semaphore error"]),
        ("refused", ["Lock error, before", "Refuses -"]),
        ("replaced", ["Lock error, before", "Replaces error"]),
    ],
)
def test_an_exception_counts_once(name, expected) -> None:
    """Of each: the outcome of its body, and whether the exception had left another one before."""
    with testing.recorder() as recorder:
        module = recorder.load(PROGRAM)
        with suppress(ValueError, KeyError, OSError):
            asyncio.run(getattr(module, name)())
        lines = []
        for lifecycle in recorder.lifecycles():
            kind = lifecycle.resource.rpartition(".")[2].partition(" ")[0]
            lines.append(f"{kind} {lifecycle.outcomes.split()[1]}{', before' * lifecycle.propagated}")
    assert lines == expected


def test_it_counts_once_where_the_inner_one_was_shipped_before() -> None:
    """The exit of the outer one takes longer than a flush."""
    with testing.recorder() as recorder:
        module, rows = recorder.load(PROGRAM), []
        with suppress(ValueError):
            asyncio.run(module.slow(lambda: rows.extend(recorder.lifecycles())))
        rows += recorder.lifecycles()
    assert [(row.id, row.propagated) for row in rows if row.release is not None] == [(2, False), (1, True)]

"""Which kinds of functions an adapter may patch by ``acquire_release.patch_calls``."""

import asyncio
import traceback

import pytest

from tenure._identify import resources
from tenure.adapters._kit import acquire_release


class Turnstile:
    """Is taken by a function that is no coroutine function, and given back by one that is."""

    def __init__(self):
        self.within = 0

    def acquire(self):
        self.within += 1
        return self.within <= 1

    async def release(self):
        self.within -= 1

    async def release_wrongly(self):
        raise OSError("stuck")


def test_functions_of_any_kind_can_take_and_give(recorder):
    """A release may be awaited; where it fails the lifecycle ends with its failure."""

    async def main():
        turnstile = Turnstile()
        turnstile.acquire()
        turnstile.acquire()
        await turnstile.release()
        await turnstile.release()
        return turnstile.within

    acquire_release.patch_calls(Turnstile, "acquire", "release")
    assert asyncio.run(main()) == 0
    assert recorder.lines() == [
        f"main: {__name__}.Turnstile turnstile, ok ok ok",
        f"main: {__name__}.Turnstile turnstile, error(NotAcquired)",
    ]


def test_a_release_that_fails_ends_the_lifecycle_with_its_failure(recorder):
    """The program gets its exception, and what was given back wrongly is held no more."""

    async def main():
        turnstile = Turnstile()
        turnstile.acquire()
        try:
            await turnstile.release_wrongly()
        except OSError as error:
            return [frame.name for frame in traceback.extract_tb(error.__traceback__)]

    acquire_release.patch_calls(Turnstile, "acquire", "release_wrongly")
    assert asyncio.run(main()) == ["main", "release_wrongly"]
    assert recorder.lines() == [f"main: {__name__}.Turnstile turnstile, ok ok error(OSError)"]


def test_what_is_described_wrongly_costs_its_records_and_nothing_else(recorder, caplog):
    """A library of an unexpected shape: said once, and the program sees what Python alone would do."""

    async def main():
        turnstile = Turnstile()
        taken = [turnstile.acquire(), turnstile.acquire()]
        await turnstile.release()
        return taken

    resources.register(Turnstile, lambda turnstile, _: turnstile.no_such_attribute)
    acquire_release.patch_calls(Turnstile, "acquire", "release")
    try:
        assert asyncio.run(main()) == [True, False]
    finally:
        resources.unregister(Turnstile)
    assert recorder.lines() == []
    assert [record.getMessage().partition(" failed")[0] for record in caplog.records] == [
        "tenure: finding the resource of a Turnstile"
    ]


def test_a_class_without_these_calls_is_refused():
    """The error says what is missing."""
    with pytest.raises(TypeError, match="Turnstile has no functions take and give"):
        acquire_release.patch_calls(Turnstile, "take", "give")

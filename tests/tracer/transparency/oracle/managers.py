"""The managers that random programs enter. They say what CPython does with them.

A manager is told what to do by a word, letter by letter: on its way in, and on its way out.

    p  pause: let the others run           e  fail with an exception of its own
    w  wait for a second                   k  fail as if it were cancelled
    b  cancel the task that is running     t  let the exception of the body end here (out)
    r  raise the body's exception anew     n  raise another from it (out)
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Coroutine
from typing import Any

__all__ = [
    "Box",
    "Client",
    "Gate",
    "Half",
    "Hold",
    "Latch",
    "Pool",
    "Slotted",
    "cancel_current",
    "half",
    "nothing",
    "say",
]

said: list[tuple[object, ...]] = []
died: list[int] = []  # how much was said when each gate that no program can reach was freed


def say(*words: object) -> None:
    said.append(words)


async def do(deeds: str, error: BaseException | None) -> bool:
    for deed in deeds:
        if deed == "p":
            await asyncio.sleep(0)
        elif deed == "w":
            await asyncio.sleep(1)
        else:
            do_now(deed, error)
    return "t" in deeds


def do_now(deeds: str, error: BaseException | None) -> bool:
    """What can be done without waiting."""
    for deed in deeds:
        if deed == "b":
            cancel_current()
        elif deed == "e":
            raise OSError("no way")
        elif deed == "k":
            raise asyncio.CancelledError("no more")
        elif deed == "r" and error is not None:
            raise error
        elif deed == "n":
            raise LookupError("another") from error
    return "t" in deeds


def cancel_current() -> None:
    """Cancel the running task, outside a task nothing."""
    with contextlib.suppress(RuntimeError):
        task = asyncio.current_task()
        if task is not None:
            task.cancel("by itself")


class Gate:
    """For ``async with``."""

    def __init__(self, enter: str = "", leave: str = "") -> None:
        self.enter, self.leave = enter, leave

    async def __aenter__(self) -> tuple[str, int]:
        say("enter", self.enter)
        await do(self.enter, None)
        return self.enter, len(said)

    async def __aexit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        say("leave", self.leave, repr(error))
        return await do(self.leave, error)

    def __del__(self) -> None:
        died.append(len(said))


class Slotted:
    """Nobody can refer to it weakly, nor know it again."""

    __slots__ = ("enter", "leave")
    __init__ = Gate.__init__
    __aenter__ = Gate.__aenter__
    __aexit__ = Gate.__aexit__


class Half:
    """It can be entered and not left, so Python does not enter it."""

    async def __aenter__(self) -> None:
        say("never")


class Hold:
    """For ``with``."""

    def __init__(self, enter: str = "", leave: str = "") -> None:
        self.enter, self.leave = enter, leave

    def __enter__(self) -> tuple[str, int]:
        say("enter now", self.enter)
        do_now(self.enter, None)
        return self.enter, len(said)

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        say("leave now", self.leave, repr(error))
        return do_now(self.leave, error)


class Latch(asyncio.Lock):
    """A lock whose class asks its base to enter and to leave."""

    async def __aenter__(self) -> None:
        await super().__aenter__()
        say("latched")

    async def __aexit__(self, *details: object) -> None:
        say("unlatching")
        await super().__aexit__(*details)


class Pool:
    """The resource behind the handles that it gives."""

    def __init__(self, size: int) -> None:
        self.size = size

    @contextlib.asynccontextmanager
    async def acquire(self) -> AsyncIterator[int]:
        say("acquire")
        await asyncio.sleep(0)
        try:
            yield self.size
        finally:
            say("give back")
            await asyncio.sleep(0)


class Client:
    """Its constructor opens it."""

    async def close(self) -> None:
        say("close")
        await asyncio.sleep(0)

    async def __aenter__(self) -> None:
        say("enter a client")

    async def __aexit__(self, *details: object) -> None:
        await self.close()


class Box:
    """For targets that are no names."""


async def nothing() -> AsyncIterator[None]:
    """Gives nothing."""
    return
    yield


def half(coroutine: Coroutine[Any, Any, object]) -> None:
    """Begin a coroutine, and close it where it first waits, and again where it will not end."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        say("ended", end.value)
    while inspect.getcoroutinestate(coroutine) != inspect.CORO_CLOSED:
        try:
            coroutine.close()
        except RuntimeError as error:
            say("closing", str(error))

"""Coroutines driven by hand, as an event loop would drive them."""

import types


class Connection:
    """Suspends once on its way in, and once on its way out."""

    async def __aenter__(self):
        await pause()
        return self

    async def __aexit__(self, kind, error, traceback):
        await pause()


async def enter(manager):
    return await manager.__aenter__()


@types.coroutine
def pause():
    return (yield "paused")


def finish(coroutine, value=None):
    """Send until the coroutine returns; its value."""
    try:
        while True:
            coroutine.send(value)
    except StopIteration as stop:
        return stop.value


def chain(coroutine):
    """The names in the chain of awaits, the outermost first."""
    names = []
    while coroutine is not None:
        names.append(getattr(coroutine, "__qualname__", type(coroutine).__name__))
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)
    return names

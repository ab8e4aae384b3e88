"""A small library with connections and pools that one call opens and another closes."""

import asyncio

from tenure._identify.resources import Description
from tenure.adapters._kit import open_close

LINK, POOL = "small.Link shop", "small.Pool pool"


class Link:
    """A connection; functions return it open."""

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
    """A pool that is opened by a call or by a statement."""

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


def describe_link(arguments, named):
    return Description("small.Link", None, named.get("name") or arguments[1])


def describe_pool(pool, _):
    return Description("small.Pool", pool, None, 3)


def patch_library():
    """Patch the library as an adapter does."""
    open_close.patch_function(
        (Link,),
        "dial",
        Link,
        ("close", "abort"),
        describe_link,
        entered=lambda _, __: Description("small.Link", None, "entered"),
    )
    open_close.patch_method(Pool, "open", ("close",), describe_pool)

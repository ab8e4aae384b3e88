"""What each application does for a unit of work: holds a connection, and notes in a file which process did it."""

import asyncio
import os


class Connection:
    async def __aenter__(self):
        return self

    async def __aexit__(self, *details):
        return None


async def use():
    """Hold a connection for a moment; more moments than one, so that the units overlap."""
    async with Connection():
        await asyncio.sleep(0.03)
        note()


def note():
    """Note that this process has done a unit of work."""
    file = os.open(os.environ["WAY_DONE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, b"%d\n" % os.getpid())
    finally:
        os.close(file)

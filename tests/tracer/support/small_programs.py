"""Small programs, run and read back as lifecycles."""

import asyncio

from tenure import testing
from tenure.testing import Lifecycle

MANAGERS = """
import asyncio
class Manager:
    def __init__(self, suppress=False): self.suppress = suppress
    async def __aenter__(self): await asyncio.sleep(0); return self
    async def __aexit__(self, *details): await asyncio.sleep(0); return self.suppress
class FailsToEnter(Manager):
    async def __aenter__(self): raise OSError("no entry")
class FailsToExit(Manager):
    async def __aexit__(self, *details): raise OSError("no exit")
"""


def lifecycles(program: str) -> list[Lifecycle]:
    """Run ``main`` of a program; lines count from its first."""
    with testing.recorder() as recorder:
        app = recorder.load(MANAGERS)
        names = recorder.load(program, "program")
        vars(names).update({name: getattr(app, name) for name in ("asyncio", "Manager", "FailsToEnter", "FailsToExit")})
        asyncio.run(outcome(names.main()))
        return recorder.lifecycles()


async def outcome(coroutine):
    try:
        return await coroutine
    except BaseException as error:  # noqa: BLE001  # whatever it is
        return error


def single_lifecycle(program: str) -> Lifecycle:
    (only,) = lifecycles(program)
    return only

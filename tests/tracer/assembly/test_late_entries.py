"""A flush that the program overtakes: what closes after the drain, and what was entered within it meanwhile."""

import asyncio
from contextlib import suppress

from tenure import testing
from tenure._core import buffer
from tenure._core.faults import dropped

PROGRAM = """
class Manager:
    async def __aenter__(self): pass
    async def __aexit__(self, *error): pass

class Inner(Manager): pass

async def main(overtaken):
    async with Manager():
        async with Manager():
            overtaken()
            async with Inner(): raise KeyError("order")
"""


def flushes(late):
    """The lifecycles of two flushes; the first one's drain is overtaken by all that the program does after it."""
    drained = []
    with testing.recorder() as recorder:
        module = recorder.load(PROGRAM)
        with suppress(KeyError):
            asyncio.run(module.main(lambda: drained.extend(buffer.drain())))
        ledger = recorder._ledger  # as the shipping thread uses it
        ledger.add_entries(drained)
        first = ledger.batches(0, dropped, late=late)
        ledger.add_entries(buffer.drain())
        batches = first + ledger.batches(0, dropped, patient=False)
        return [lifecycle for batch in batches for lifecycle in testing.lifecycles_of(batch)]


def test_what_is_closed_waits_for_what_was_entered_within_it() -> None:
    """Each has its parent, and the exception counts where it left the innermost one."""
    rows = [row for row in flushes(buffer.late) if row.release is not None]
    assert [(row.id, row.parent, row.propagated) for row in sorted(rows)] == [
        (1, 0, True),
        (2, 1, True),
        (3, 2, False),
    ]


def test_each_lifecycle_is_shipped_closed_once() -> None:
    """What waited is not shipped twice."""
    closed = [row.id for row in flushes(buffer.late) if row.release is not None]
    assert sorted(closed) == [1, 2, 3]

"""The program's own spans are without what libraries enter for their own ends, and tell an exception once."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from msgspec.structs import replace

from tenure import testing
from tenure._sinks.otel.sinks import EndedSpans, emitter_for

PROGRAM = """
import asyncio

slots, lock, guard = asyncio.Semaphore(2), asyncio.Lock(), asyncio.Lock()

async def main():
    async with guard, slots, lock:
        raise ValueError("no stock")
"""


def spans(internal_expression: str = "") -> list[object]:
    """The spans of the program; the manager of this expression is a library's."""
    ended = EndedSpans()
    with testing.recorder() as recorder:
        program = recorder.load(PROGRAM)
        with suppress(ValueError):
            asyncio.run(program.main())
        for batch in recorder.batches():
            for place, site in enumerate(batch.sites):
                batch.sites[place] = replace(site, internal=site.expression == internal_expression)
            emitter_for(testing.PROCESS, ended).take(batch)
    return list(ended.spans)


@pytest.mark.parametrize(("variable", "count"), [("0", 2), ("1", 3)])
def test_only_if_asked_for(monkeypatch: pytest.MonkeyPatch, variable: str, count: int) -> None:
    monkeypatch.setenv("TENURE_INTERNAL", variable)
    named = {span.attributes["tenure.site.expression"]: span for span in spans("slots")}
    assert len(named) == count
    assert [name for name, span in named.items() if span.attributes.get("tenure.internal")] == ["slots"][: count - 2]


def test_an_exception_is_an_event_once_and_an_error_of_the_innermost_and_the_root() -> None:
    told = {
        span.attributes["tenure.site.expression"]: (
            span.status.is_ok or span.status.is_unset,
            [event.name for event in span.events if event.name == "exception"],
        )
        for span in spans()
    }
    assert told == {"guard": (False, []), "slots": (True, []), "lock": (False, ["exception"])}

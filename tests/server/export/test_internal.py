"""What libraries enter for their own ends is exported only where the environment asks for it; an exception once."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from tests.server.support.batches import ERROR, Program
from tests.server.support.collector import Clock
from tests.server.support.exporters import exporting, status_when
from tests.server.support.otlp_backend import Backend

from tenure_server.store import Store

FAILED = ("ValueError", "no stock")


def spans(backend: Backend) -> list[object]:
    return [
        span
        for request in backend.requests
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@pytest.mark.parametrize("variable", ["", "1"])
async def test_only_if_asked_for(
    store: Store, clock: Clock, backend: Backend, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("TENURE_INTERNAL", variable)
    expected = ["Pool orders", "Lock own"] if variable else ["Pool orders"]
    program = Program()
    async with exporting(store, clock, backend.url) as exporters:
        own = program.use("main", "Pool orders", acquire=0, wait=1, hold=5, release=1)
        library = program.use("main", "Lock own", acquire=2, wait=1, hold=1, release=1, parent=own)
        library.site = replace(library.site, internal=True)
        await store.write(program.batch())
        await backend.until(len(expected))
        await status_when(exporters, lambda status: status.waiting == 0)
    assert [span.name for span in spans(backend)] == expected
    marks = [{pair.key: pair.value.bool_value for pair in span.attributes} for span in spans(backend)]
    assert [mark.get("tenure.internal", False) for mark in marks] == [False, True][: len(expected)]


async def test_an_exception_is_an_event_once_and_an_error_of_the_innermost_and_the_root(
    store: Store, clock: Clock, backend: Backend
) -> None:
    program = Program()
    async with exporting(store, clock, backend.url):
        failing = {"wait": 1, "hold": 2, "release": 1, "body": ERROR, "body_exception": FAILED}
        root = program.use("main", "Request order", acquire=0, **failing)  # type: ignore[arg-type]
        pool = program.use("main", "Pool orders", acquire=1, parent=root, **failing)  # type: ignore[arg-type]
        program.use("main", "Lock stock", acquire=2, parent=pool, **failing)  # type: ignore[arg-type]
        await store.write(replace(program.batch(), propagated=[0, 1]))
        await backend.until(1)
    told = {span.name: (span.status.code, [event.name for event in span.events]) for span in spans(backend)}
    assert told == {
        "Request order": (2, ["acquired", "releasing"]),
        "Pool orders": (0, ["acquired", "releasing"]),
        "Lock stock": (2, ["acquired", "releasing", "exception"]),
    }

"""What an exporter does with each answer of a backend; its counts are exact at the end."""

from __future__ import annotations

from email.utils import formatdate
from time import time

import pytest
from tests.server.support.batches import Program, at
from tests.server.support.collector import Clock, Collector, collecting
from tests.server.support.exporters import ended, exporting, status_when
from tests.server.support.otlp_backend import Backend, serving
from tests.support.waiting import until

from tenure_server.export.targets import Target
from tenure_server.settings import Settings
from tenure_server.store import Store


async def test_what_ends_arrives_at_every_backend_and_the_api_says_so(clock: Clock) -> None:
    """In a whole collector; /metrics and /api/exporters tell the same."""
    async with serving(Backend()) as one, serving(Backend()) as other:
        settings = Settings(port=0, otlp=(Target.parse(one.url), Target.parse(f"{other.url}/v1/traces/")))
        async with collecting(settings, clock=clock) as collector:
            program = Program()
            ended(program, 3)
            program.use("main", "Pool orders", acquire=5, wait=1)
            await collector.post(program.batch())

            async def when_exported() -> list[
                dict[str, object]
            ]:  # a backend has the spans before the exporter its answer
                items: list[dict[str, object]] = (await collector.answer("/api/exporters"))["items"]
                return items if [(each["exported"], each["waiting"]) for each in items] == [(3, 0), (3, 0)] else []

            exporters = await until(when_exported)
            metrics = (await collector.get("/metrics"))[1]

    expected = {
        "state": "ok", "waiting": 0, "lag_s": 0.0, "exported": 3, "rejected": 0, "refused": 0, "expired": 0,
        "retries": 0, "last_export_ns": clock(), "last_error": None, "last_error_ns": None,
    }  # fmt: skip
    assert exporters == [{"url": f"{backend.url}/v1/traces", **expected} for backend in (one, other)]
    assert f'tenure_exported_total{{exporter="{one.url}/v1/traces"}} 3.0' in metrics
    assert f'tenure_export_lag_seconds{{exporter="{one.url}/v1/traces"}} 0.0' in metrics
    assert one.names == other.names == ["Lock stock"] * 3


async def test_a_collector_without_exporters_has_none_and_keeps_nothing_for_them(collector: Collector) -> None:
    """The list is empty, and nobody's backlog grows."""
    program = Program()
    ended(program)
    await collector.post(program.batch())

    assert await collector.answer("/api/exporters") == {"items": [], "cursor": None}
    assert "tenure_export" not in (await collector.get("/metrics"))[1]


async def test_a_backend_that_asks_for_time_is_given_it(store: Store, clock: Clock, backend: Backend) -> None:
    """429 and 503 with Retry-After, in seconds or as a date: the very same request comes again, not earlier."""
    backend.answers = [(429, {"Retry-After": "1"}), (503, {"Retry-After": formatdate(time() + 2, usegmt=True)})]
    async with exporting(store, clock, backend.url) as exporters:
        program = Program()
        ended(program, 4)
        await store.write(program.batch())
        await backend.until(4)
        status = await status_when(exporters, lambda status: status.waiting == 0)

    first, second, third = backend.instants
    assert (second - first >= 1.0, third - second > 0.0) == (True, True)
    assert backend.requests[0] == backend.requests[1] == backend.requests[2]
    assert (status.exported, status.retries, status.last_error) == (4, 2, "503 not today")


@pytest.mark.parametrize("status", [502, 504])
async def test_a_gateway_without_its_backend_is_tried_again(
    store: Store, clock: Clock, backend: Backend, status: int
) -> None:
    """With pauses of our own, and nothing is lost."""
    backend.answers = [(status, {})] * 3
    async with exporting(store, clock, backend.url) as exporters:
        program = Program()
        ended(program, 4)
        await store.write(program.batch())
        await backend.until(4)
        told = await status_when(exporters, lambda status: status.waiting == 0)

    assert (told.exported, told.retries, len(backend.requests)) == (4, 3, 4)


@pytest.mark.parametrize("status", [400, 401, 500, 302])
async def test_a_request_that_is_refused_is_not_sent_again(
    store: Store, clock: Clock, backend: Backend, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """As the specification has it; the loss is counted and said, and the next request is sent."""
    backend.answers = [(status, {"Location": "/"})]
    async with exporting(store, clock, backend.url) as exporters:
        program = Program()
        ended(program, 4)
        await store.write(program.batch())
        refused = await status_when(exporters, lambda status: status.waiting == 0)
        ended(program, 2)
        await store.write(program.batch())
        await backend.until(2)
        told = await status_when(exporters, lambda status: status.waiting == 0)

    assert (refused.state, refused.refused, refused.last_error) == ("refusing", 4, f"{status} not today")
    assert (told.state, told.exported, told.refused, len(backend.requests)) == ("ok", 2, 4, 2)
    assert f"refused 4 spans, which are not sent again: {status} not today" in caplog.text


async def test_what_a_partial_success_rejects_is_counted_and_not_sent_again(
    store: Store, clock: Clock, backend: Backend
) -> None:
    """The rest was taken."""
    backend.answers = [3]
    async with exporting(store, clock, backend.url) as exporters:
        program = Program()
        ended(program, 10)
        await store.write(program.batch())
        await backend.until(7)
        ended(program, 5)
        await store.write(program.batch())
        await backend.until(12)
        status = await status_when(exporters, lambda status: status.waiting == 0)

    assert (status.state, status.exported, status.rejected, status.last_error) == ("ok", 12, 3, "too old")
    assert (len(backend.requests), set(backend.taken.values())) == (2, {1})


async def test_a_request_that_is_too_large_is_halved(store: Store, clock: Clock, backend: Backend) -> None:
    """Until it is small enough; what is too large alone is lost and counted."""
    too_large = (413, {})
    backend.answers = [too_large, too_large, too_large, 0, 0, 0]
    async with exporting(store, clock, backend.url) as exporters:
        program = Program()
        ended(program, 4)
        await store.write(program.batch())
        await backend.until(3)
        status = await status_when(exporters, lambda status: status.waiting == 0)

    sizes = [len(list(request.resource_spans[0].scope_spans[0].spans)) for request in backend.requests]
    assert sizes == [4, 2, 1, 1, 2]
    assert (status.exported, status.refused) == (3, 1)


async def test_abandoned_lifecycles_are_exported_as_such(store: Store, clock: Clock, backend: Backend) -> None:
    """With an error's status, when their process has said goodbye."""
    async with exporting(store, clock, backend.url):
        program = Program()
        program.use("main", "Pool orders", acquire=0, wait=1)
        await store.write(program.batch(final=True))
        await backend.until(1)

    (span,) = backend.requests[0].resource_spans[0].scope_spans[0].spans
    assert (span.name, span.status.code, span.status.message) == (
        "Pool orders", 2, "abandoned while held: the process ended",
    )  # fmt: skip
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (at(0), clock())

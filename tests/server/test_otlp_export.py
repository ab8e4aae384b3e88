"""Exporting to a backend that is well, slow, gone, or says no: the counts are exact at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path
from time import time

import pytest
from tests.server.backend import Backend, serving
from tests.server.batches import Program, at
from tests.server.collector import Clock, Collector, collecting

from tenure_server.errors import StoreFailed, UsageError
from tenure_server.export import follower
from tenure_server.export.exporters import Exporters
from tenure_server.export.follower import Patience
from tenure_server.export.sender import Sender, Target, parse_headers
from tenure_server.export.status import Exporter
from tenure_server.hub import Hub
from tenure_server.settings import Settings
from tenure_server.store import Endings, Store
from tenure_server.store.sqlite import SqliteStore

GONE = "http://127.0.0.1:1"
QUICK = Patience(0.05, 0.2)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "EXPORT_LINGER_S", 0.01)
    monkeypatch.setattr(follower, "EXPORT_POLL_S", 0.05)


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    async with serving(Backend()) as running:
        yield running


def ended(program: Program, count: int = 1) -> None:
    """So many lifecycles, from beginning to end."""
    for _ in range(count):
        program.use("main", "Lock stock", acquire=len(program.uses), wait=0, hold=0, release=0)


@asynccontextmanager
async def exporting(store: Store, clock: Callable[[], int], *urls: str) -> AsyncIterator[Exporters]:
    exporters = Exporters(store, Hub(), [Target.parse(url) for url in urls], clock, QUICK)
    await exporters.start()
    try:
        yield exporters
    finally:
        await exporters.stop()


async def status_when(exporters: Exporters, is_so: Callable[[Exporter], bool]) -> Exporter:
    """What the only exporter tells of itself once it is so."""
    async with asyncio.timeout(10):
        while True:
            (status, *_) = await exporters.status()
            if is_so(status):
                return status
            await asyncio.sleep(0.01)


async def test_what_ends_arrives_at_every_backend_and_the_api_says_so(clock: Clock) -> None:
    """In a whole collector; /metrics and /api/exporters tell the same."""
    async with serving(Backend()) as one, serving(Backend()) as other:
        settings = Settings(port=0, otlp=(Target.parse(one.url), Target.parse(f"{other.url}/v1/traces/")))
        async with collecting(settings, clock=clock) as collector:
            program = Program()
            ended(program, 3)
            program.use("main", "Pool orders", acquire=5, wait=1)
            await collector.post(program.batch())
            await one.until(3)
            await other.until(3)

            exporters = (await collector.answer("/api/exporters"))["items"]
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


async def test_a_backend_that_is_down_at_the_start_gets_everything_when_it_comes(store: Store, clock: Clock) -> None:
    """Meanwhile the exporter is retrying, and its lag grows."""
    backend = Backend()
    async with serving(backend):
        port = int(backend.url.rpartition(":")[2])
    async with exporting(store, clock, backend.url) as exporters:
        program = Program()
        for _ in range(5):
            ended(program, 10)
            await store.write(program.batch())
        clock.set(3_000)
        down = await status_when(exporters, lambda status: status.retries >= 2)
        async with serving(backend, port):
            await backend.until(50)
            up = await status_when(exporters, lambda status: status.waiting == 0)

    assert (down.state, down.waiting, down.lag_s, down.exported, down.last_export_ns) == ("retrying", 50, 2.0, 0, None)
    assert down.last_error is not None
    assert "Connect" in down.last_error or "refused" in down.last_error
    assert (up.state, up.exported, up.lag_s) == ("ok", 50, 0.0)
    assert set(backend.taken.values()) == {1}


async def test_only_what_was_not_acknowledged_is_repeated_after_a_crash(
    tmp_path: Path, clock: Clock, backend: Backend
) -> None:
    """The collector is killed after the backend took a request and before that was noted: it comes again, once."""
    path = tmp_path / "store.sqlite"
    program = Program()
    store = SqliteStore(path, clock)
    async with exporting(store, clock, backend.url):
        ended(program, 20)
        await store.write(program.batch())
        await backend.until(20)
    ended(program, 7)
    await store.write(program.batch())
    sender = Sender(Target.parse(backend.url))
    answer = await sender.send(follower.encode(await store.endings(f"{backend.url}/v1/traces", 100)))
    await sender.close()
    await store.close()

    store = SqliteStore(path, clock)
    async with exporting(store, clock, backend.url) as exporters:
        ended(program, 3)
        await store.write(program.batch())
        await status_when(exporters, lambda status: status.exported == 10)
    await store.close()

    assert answer == (0, "")
    assert sorted(backend.taken.values()) == [1] * 23 + [2] * 7


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
    assert f"refused 4 spans, which are lost to it: {status} not today" in caplog.text


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


async def test_a_black_hole_holds_up_nobody_else(store: Store, clock: Clock, backend: Backend) -> None:
    """A backend that never answers: the request times out and comes again; the store and other backends go on."""
    backend.answers = ["never"]
    program = Program()
    senders = [Sender(Target.parse(backend.url), timeout_s=0.3)]
    async with serving(Backend()) as other:
        exporters = Exporters(store, Hub(), [Target.parse(backend.url), Target.parse(other.url)], clock, QUICK)
        exporters._followers[0]._sender = senders[0]
        await exporters.start()
        ended(program, 4)
        await store.write(program.batch())
        await other.until(4)
        assert backend.taken.total() == 0
        await backend.until(4)
        status = await status_when(exporters, lambda status: status.waiting == 0)
        await exporters.stop()

    assert (status.exported, status.retries, status.last_error) == (4, 1, "no answer within 0.3 s")
    assert backend.requests[0] == backend.requests[1]


async def test_a_collector_that_ends_sends_what_it_has(store: Store, clock: Clock, backend: Backend) -> None:
    """And does not wait for a backend that is gone."""
    program = Program()
    async with exporting(store, clock, backend.url, GONE):
        ended(program, 5)
        await store.write(program.batch())

    assert backend.taken.total() == 5
    assert (await store.backlog(f"{GONE}/v1/traces")).lifecycles == 5


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


async def test_credentials_travel_as_a_header_and_are_told_to_nobody(clock: Clock, backend: Backend) -> None:
    """Those of the URL for this backend only, those of the environment for all; the API shows neither."""
    url = backend.url.replace("http://", "http://shop:p%40ss@")
    target = Target.parse(url, headers=parse_headers("x-team=shop%20floor, x-key = secret "))
    async with collecting(Settings(port=0, otlp=(target,)), clock=clock) as collector:
        program = Program()
        ended(program)
        await collector.post(program.batch())
        await backend.until(1)
        (exporter,) = (await collector.answer("/api/exporters"))["items"]

    assert exporter["url"] == f"{backend.url}/v1/traces"
    wanted = "Authorization", "x-team", "x-key", "Content-Encoding"
    assert [backend.headers[0][name] for name in wanted] == ["Basic c2hvcDpwQHNz", "shop floor", "secret", "gzip"]


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
        ("https://example.org/otlp/", "https://example.org/otlp/v1/traces"),
        ("http://[::1]:4318/v1/traces", "http://[::1]:4318/v1/traces"),
    ],
)
def test_a_base_url_gets_the_signal_s_path(given: str, url: str) -> None:
    """As the specification of OTLP's exporters has it; one that has the path already is taken as it is."""
    assert Target.parse(given).url == url


@pytest.mark.parametrize("url", ["", "127.0.0.1:4318", "grpc://127.0.0.1:4317", "http://", "http://h:x", "http://h?a"])
def test_what_is_no_address_is_refused(url: str) -> None:
    """With what to write instead."""
    with pytest.raises(UsageError, match=r"is no OTLP/HTTP address \(write http://127\.0\.0\.1:4318, say\)"):
        Target.parse(url)


@pytest.mark.parametrize("headers", ["secret", "=secret", "a=b%0d%0aInjected: yes"])
def test_headers_that_are_none_are_refused_without_showing_them(headers: str) -> None:
    """They may hold a secret."""
    with pytest.raises(UsageError, match=r"^\$OTEL_EXPORTER_OTLP_HEADERS is no list of headers \(write name=value"):
        parse_headers(headers)


class Failing(SqliteStore):
    """A store in memory whose readings for followers fail as often as it is told."""

    def __init__(self, clock: Clock, errors: list[Exception]) -> None:
        super().__init__(None, clock)
        self.errors = errors

    async def endings(self, follower: str, limit: int) -> Endings:
        if self.errors:
            raise self.errors.pop()
        return await super().endings(follower, limit)


@pytest.mark.parametrize("error", [StoreFailed("disk I/O error"), LookupError("a fault of ours")])
async def test_an_exporter_outlives_a_store_that_fails_and_faults_of_its_own(
    clock: Clock, backend: Backend, error: Exception
) -> None:
    """It says what was wrong and goes on."""
    store = Failing(clock, [error])
    async with exporting(store, clock, backend.url) as exporters:
        program = Program()
        ended(program, 4)
        await store.write(program.batch())
        await backend.until(4)
        status = await status_when(exporters, lambda status: status.waiting == 0 and status.state == "ok")
    await store.close()

    assert (status.exported, status.retries) == (4, 1)
    assert str(error) in str(status.last_error)


class Slow(SqliteStore):
    """A store in memory that takes a tenth of a second to read, in which another batch comes in."""

    def __init__(self, clock: Clock, program: Program) -> None:
        super().__init__(None, clock)
        self.program = program
        self.readings: list[tuple[float, float]] = []

    async def endings(self, follower: str, limit: int) -> Endings:
        began = asyncio.get_running_loop().time()
        ended(self.program)
        await self.write(self.program.batch())
        await asyncio.sleep(0.1)
        found = await super().endings(follower, limit)
        self.readings.append((began, asyncio.get_running_loop().time()))
        return found


async def test_what_comes_in_goes_first(clock: Clock, backend: Backend) -> None:
    """While batches come in, an exporter reads for a quarter of the time at most."""
    store = Slow(clock, Program())
    async with exporting(store, clock, backend.url):
        await backend.until(3)
    await store.close()

    (_, first), (second, _), *_ = store.readings
    assert second - first >= 3 * 0.1

"""The API's answers to requests that it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.server.support.batches import Program
from tests.server.support.collector import Clock, Collector, collecting

from tenure import wire
from tenure_server.store.sqlite import SqliteStore


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/api/lifecycles?phase=open", "phase"),
        ("/api/lifecycles?outcome=fine", "outcome"),
        ("/api/lifecycles?min_wait_ms=-1", "min_wait_ms"),
        ("/api/lifecycles?min_hold_ms=nan", "min_hold_ms"),
        ("/api/lifecycles?min_hold_ms=1e400", "min_hold_ms"),
        ("/api/lifecycles?since=yesterday", "since"),
        ("/api/lifecycles?since=-5", "since"),
        ("/api/lifecycles?until=99999999999999999999", "until"),
        ("/api/lifecycles?limit=0", "limit"),
        ("/api/lifecycles?limit=10001", "limit"),
        ("/api/lifecycles?limit=ten", "limit"),
        ("/api/lifecycles?limit=%D9%A3", "limit"),
        ("/api/lifecycles?cursor=x", "cursor"),
        ("/api/lifecycles?proces=1", "proces"),
        ("/api/processes?cursor=1.2", "cursor"),
        ("/api/resources?open=yes", "open"),
        ("/api/traces?since=", "since"),
        ("/api/diagram?fold=2", "fold"),
        ("/api/diagram?format=png", "format"),
        ("/api/diagram?limit=20001", "limit"),
        ("/api/diagram?trace=1&task=2", "task"),
        ("/healthz?verbose=1", "verbose"),
    ],
)
async def test_a_parameter_that_cannot_be_is_named(collector: Collector, path: str, parameter: str) -> None:
    """400, a problem document by RFC 9457, the parameter in its own member and in the sentence."""
    status, answer = await collector.get(path)
    assert (status, answer["status"], answer["title"], answer["type"]) == (400, 400, "Bad Request", "about:blank")
    assert answer["parameter"] == parameter
    assert answer["detail"].startswith(f"{parameter}: ")


@pytest.mark.parametrize("subject", ["trace", "task", "resource", "process"])
async def test_a_diagram_of_nothing_that_is_known_is_not_found(collector: Collector, subject: str) -> None:
    """404, and which id."""
    assert await collector.get(f"/api/diagram?{subject}=nobody") == (
        404,
        {"type": "about:blank", "title": "Not Found", "status": 404, "detail": f"no {subject} 'nobody' is stored"},
    )


async def test_wrong_paths_and_methods_are_problems_too(collector: Collector) -> None:
    """Nothing but problem documents comes of an error, and 405 says what would do."""
    assert await collector.get("/api/nothing") == (
        404,
        {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "unknown path /api/nothing"},
    )
    status, answer = await collector.get("/v1/lifecycles")
    assert (status, answer["detail"]) == (405, "/v1/lifecycles accepts POST, not GET")
    assert (await collector.get("/api/live"))[0] == 426


async def test_a_store_that_cannot_write_is_told_and_recovers(tmp_path: Path, clock: Clock) -> None:
    """503 with Retry-After for a batch and for readiness; nothing of it is stored, and the same batch goes in later."""
    store = SqliteStore(tmp_path / "store.sqlite", clock)
    program = Program()
    for n in range(3_000):
        program.use(f"task-{n}", f"Lock {n}", acquire=n, wait=1, hold=1, release=1)
    body = wire.encode(program.batch())
    async with collecting(store=store, clock=clock) as collector:
        await store._thread.call(lambda: store._connection.execute("PRAGMA max_page_count = 30").fetchone())
        headers = {"Content-Type": wire.CONTENT_TYPE}
        for method, path, data in (("POST", "/v1/lifecycles", body), ("GET", "/readyz", None)):
            async with collector.session.request(
                method, f"{collector.url}{path}", data=data, headers=headers
            ) as answer:
                assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
                assert (await answer.json(content_type=None))["detail"] == "the store failed: database or disk is full"
        assert await collector.answer("/healthz") == {"status": "ok"}
        assert (await collector.answer("/api/processes"))["items"] == []
        assert 'tenure_refused_total{reason="StoreFailed"} 1.0' in await collector.answer("/metrics")
        await store._thread.call(lambda: store._connection.execute("PRAGMA max_page_count = 1000000").fetchone())
        await store.retain(None, None)  # as every few seconds; it tries whether writes go through again
        assert await collector.answer("/readyz") == {"status": "ok"}
        assert await collector.send(body) == (200, {"stored": 3_000})

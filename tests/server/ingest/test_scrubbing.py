"""Secrets in spans of an SDK are not stored. tests/tracer/scrubbing has the tests of the rules."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.support.collector import Collector, collecting
from tests.server.support.spans import CLIENT, JSON, PROTOBUF, SERVER, give, group, span

from tenure_server.cli import serve
from tenure_server.ingest.otlp import sanitize
from tenure_server.settings import Settings, parse_scrub
from tenure_server.store.sqlite import SqliteStore

SECRET = "hunter2"


@pytest.mark.parametrize("content_type", [PROTOBUF, JSON])
async def test_no_secret_of_a_span_is_stored(content_type: str) -> None:
    """Not in its name, its status, its exception, what it names as resource or site, nor its thread or service."""
    dsn = f"postgres://me:{SECRET}@db/shop"
    facts: list[dict[str, Any]] = [
        {"db_system_name": "postgresql", "db_namespace": dsn},
        {"db_system_name": dsn},
        {"peer_service": dsn, "thread_name": dsn},
        {"server_address": f"{dsn}/{'x' * 2_000}", "code_function_name": f"connect(password={SECRET})"},
        {"messaging_system": "kafka", "messaging_destination_name": dsn, "code_file_path": dsn},
        {"rpc_system": "grpc", "rpc_service": dsn},
    ]
    spans = [span(n, dsn, begin=n, end=n + 1, kind=CLIENT, **some) for n, some in enumerate(facts, 1)]
    spans += [
        span(20, f"token={SECRET}", begin=20, end=21, kind=SERVER, error=("ValueError", f"password={SECRET}")),
        span(21, "x", begin=21, end=22, error=(f"token={SECRET}", dsn)),
        span(22, "x", begin=22, end=23, error_type=dsn),
        # The cut at 1,000 characters would stand between the password and the @ that tells it.
        span(23, "x" * (1_000 - len(dsn) + 10) + dsn, begin=23, end=24),
    ]
    spans[-2].status.code = 2
    spans[-2].status.message = f"Authorization: Bearer {SECRET}-{SECRET}"
    store = SqliteStore(None)
    async with collecting(store=store) as collector:
        await give(collector, group(dsn, *spans, host_name=dsn, k8s_pod_name=dsn), content_type=content_type)
        dump = "\n".join(store._connection.iterdump())
        assert len((await collector.answer("/api/lifecycles"))["items"]) == len(spans)
    assert "postgres://me:***@db/shop" in dump
    assert SECRET not in dump
    assert SECRET.encode().hex() not in dump.lower()


async def test_a_service_is_the_same_process_whatever_is_hidden(collector: Collector) -> None:
    """Two instances whose ids differ in what is hidden are two."""
    for secret in ("one", "two"):
        await give(collector, group("shop", span(1, "x", begin=1, end=2), service_instance_id=f"token={secret}"))
    assert len((await collector.answer("/api/processes"))["items"]) == 2


async def test_what_the_users_patterns_match_in_a_span_is_not_stored() -> None:
    """`tenure serve` takes them from $TENURE_SCRUB; a pattern with a group hides the group alone."""
    store = SqliteStore(None)
    async with collecting(
        Settings(port=0, scrub=parse_scrub("# ours\nACME-\\d+\ncustomer (\\w+)")), store
    ) as collector:
        await give(collector, group("shop", span(1, "ACME-123 of customer Ann", begin=1, end=2)))
        assert (await collector.answer("/api/traces"))["items"][0]["name"] == "shop: span *** of customer ***"
        assert "Ann" not in "\n".join(store._connection.iterdump())


async def test_an_expression_in_a_span_has_its_literals_hidden(collector: Collector) -> None:
    """Whoever sent it as one of Tenure's own; what a tracer scrubbed stays as it is."""
    for number, (source, shown) in enumerate(
        [("connect('me', 'hunter2')", "connect('…', '…')"), ("open('…', 'rb')", "open('…', 'rb')")], 1
    ):
        assert sanitize.expression({"tenure.site.expression": source}, "tenure.site.expression") == shown, number


def test_a_pattern_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`tenure serve` ends with 2, and says which line it is."""
    monkeypatch.setenv("TENURE_SCRUB", "ok\n(")
    assert serve.main(["--port", "0", "--store", "sqlite:///unused.sqlite"]) == 2
    assert "$TENURE_SCRUB, line 2: invalid regular expression '('" in capsys.readouterr().err

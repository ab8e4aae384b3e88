"""Secrets in spans: an SDK sends them as they are, and they are not stored."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.server.collector import Collector, collecting
from tests.server.spans import CLIENT, JSON, PROTOBUF, SERVER, give, group, span

import tenure.scrub
from tenure_server.scrub import scrub
from tenure_server.store.sqlite import SqliteStore

SECRET = "hunter2"

CASES = [
    ("nothing to hide: user=me", "nothing to hide: user=me"),
    ("connect to postgres://me:hunter2@db:5432/shop failed", "connect to postgres://me:***@db:5432/shop failed"),
    ("redis://:hunter2@cache", "redis://:***@cache"),
    ("https://example.org/path:with@signs", "https://example.org/path:with@signs"),
    ("host=db password=hunter2 user=me", "host=db password=*** user=me"),
    ("{'api_key': 'hunter2', 'id': 3}", "{'api_key': '***', 'id': 3}"),
    ("Authorization: Bearer hunter2-hunter2", "Authorization: Bearer ***"),
    ("SELECT * FROM users WHERE token = 'hunter2'", "SELECT * FROM users WHERE token = '***'"),
    ("DB-PASSWORD=hunter2;x=1", "DB-PASSWORD=***;x=1"),
    ("the password is wrong", "the password is wrong"),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_the_collector_hides_what_the_tracer_hides(text: str, expected: str) -> None:
    """Two copies of one rule, for neither may import the other's: they must not drift apart."""
    assert scrub(text) == tenure.scrub.scrub(text) == expected


_PIECES = st.sampled_from(
    ["pass", "word", "token", "api_key", "-", "_", "=", ": ", " => ", "'", '"', "\\", "Bearer ", "http://", "me:", "@",
     "x", " ", "secret", "\n"]
)  # fmt: skip


@given(st.lists(_PIECES | st.text(max_size=4)).map("".join))
def test_both_hide_the_same_of_any_text(text: str) -> None:
    """Whatever the words and the marks between them."""
    assert scrub(text) == tenure.scrub.scrub(text)


@pytest.mark.parametrize("piece", ["a", "a-", "a.", "pass", "password ", "token='", "http://a:", "://"])
def test_a_long_text_takes_no_time(piece: str) -> None:
    """No text is scrubbed in the square of its length, 44 ms for a thousand characters of ``a-a-a-``."""
    text = (piece * 1_000)[:1_000]
    began = time.thread_time()
    for one in (scrub, tenure.scrub.scrub):
        one(text)
    assert time.thread_time() - began < 0.03


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

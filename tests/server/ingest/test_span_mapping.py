"""Which resource and task a span of another service becomes, by the semantic conventions."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.support.collector import Collector
from tests.server.support.spans import (
    CLIENT,
    CONSUMER,
    PRODUCER,
    SERVER,
    give,
    group,
    key_values,
    span,
)

MEANINGS: list[tuple[str, Any, dict[str, Any], list[str]]] = [
    ("GET", CLIENT, {"http_request_method": "GET", "server_address": "api"}, ["http", "api", "participant", "GET"]),
    ("GET", CLIENT, {"peer_service": "stock"}, ["client", "stock", "participant", "GET"]),
    (
        "Stock/Get",
        CLIENT,
        {"rpc_system": "grpc", "rpc_service": "Stock"},
        ["grpc", "Stock", "participant", "Stock/Get"],
    ),
    (
        "send",
        PRODUCER,
        {"messaging_system": "kafka", "messaging_destination_name": "x"},
        ["kafka", "x", "queue", "send"],
    ),
    ("process", CONSUMER, {}, ["messages", "process", "queue", "process"]),
    ("SELECT", CLIENT, {"db_system": "mysql", "db_name": "shop"}, ["mysql", "shop", "database", "SELECT"]),
    ("GET /x", SERVER, {"http_route": "/x"}, ["Request", "GET /x", "participant", "request"]),
    ("shop.price", 1, {}, ["shop.price", "", "participant", "shop.price"]),
    ("work it out", 0, {}, ["span", "work it out", "participant", "work it out"]),
    ("", 0, {}, ["span", "span", "participant", "span"]),
    ("x", 99, {"tenure_resource_kind": "Lock", "tenure_resource_name": "a"}, ["Lock", "a", "participant", "x"]),
]


@pytest.mark.parametrize(("name", "kind", "attributes", "expected"), MEANINGS)
async def test_what_a_span_uses_is_told_by_kind_and_conventions(
    collector: Collector, name: str, kind: Any, attributes: dict[str, Any], expected: list[str]
) -> None:
    """As the table in docs/opentelemetry.md says: the resource's kind, name and type, and by which call."""
    made = span(1, name, begin=1, end=2, **attributes)
    made.kind = kind
    await give(collector, group("shop", made))
    (found,) = (await collector.answer("/api/lifecycles"))["items"]
    resource = found["resource"]
    assert [resource["kind"], resource["name"], resource["stereotype"], found["site"]["enter"]] == expected


async def test_a_thread_has_a_column_of_its_own(collector: Collector) -> None:
    """Where the spans tell of threads."""
    await give(
        collector,
        group(
            "shop",
            span(1, "a", begin=1, end=2, thread_name="http-1", thread_id=7),
            span(2, "b", begin=2, end=3, thread_id=8),
            span(3, "c", begin=3, end=4),
        ),
    )
    names = [item["task"]["name"] for item in (await collector.answer("/api/lifecycles"))["items"]]
    assert names == ["shop", "8", "http-1"]


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({"http.response.status_code": 404}, 404),
        ({"http.status_code": 503}, 503),
        ({"http.response.status_code": 200, "http.status_code": 404}, 200),
        ({"http.response.status_code": "200"}, None),
        ({"http.response.status_code": 99}, None),
        ({"http.response.status_code": 1000}, None),
        ({}, None),
    ],
)
async def test_a_span_of_a_request_has_its_http_status(
    collector: Collector, attributes: dict[str, Any], status: int | None
) -> None:
    """By the name of the semantic conventions, or by the name that it had before; anything else is no status."""
    request = span(1, "GET /x", begin=1, end=2, kind=SERVER)
    request.attributes.extend(key_values(attributes))
    await give(collector, group("shop", request))
    (lifecycle,) = (await collector.answer("/api/lifecycles"))["items"]
    (trace,) = (await collector.answer("/api/traces"))["items"]
    assert lifecycle["status"] == trace["status"] == status
    drawn = await collector.answer("/api/diagram?format=mermaid")
    assert (f": {status or 'done'}" in drawn) is True

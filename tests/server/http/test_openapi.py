"""The OpenAPI description of the API."""

from __future__ import annotations

from openapi_spec_validator import validate
from tests.server.support.collector import Collector

from tenure_server.app import ROUTES


async def test_the_description_is_valid_and_has_every_route_with_its_parameters(collector: Collector) -> None:
    """OpenAPI 3.1, as its validator understands it; what is served is what is described."""
    described = await collector.answer("/api/openapi.json")

    validate(described)

    assert described["openapi"].startswith("3.1")
    paths = {
        (method.upper(), path): [parameter["name"] for parameter in operation.get("parameters", [])]
        for path, operations in described["paths"].items()
        for method, operation in operations.items()
    }
    assert paths == {(route.method, route.path): [p.name for p in route.parameters] for route in ROUTES}
    assert {path for _, path in paths} == {
        "/v1/lifecycles", "/v1/traces", "/healthz", "/readyz", "/metrics", "/api/processes", "/api/resources",
        "/api/lifecycles", "/api/traces", "/api/tasks", "/api/stalls",
        "/api/exporters", "/api/diagram", "/api/live", "/api/openapi.json",
    }  # fmt: skip


async def test_every_shape_of_an_answer_is_described(collector: Collector) -> None:
    """The docstrings of the structs are the reference of the API, without the indentation of the source."""
    described = await collector.answer("/api/openapi.json")

    descriptions = {name: schema.get("description", "") for name, schema in described["components"]["schemas"].items()}
    assert {name for name, text in descriptions.items() if not text} == set()
    assert {name for name, text in descriptions.items() if "\n " in text} == set()

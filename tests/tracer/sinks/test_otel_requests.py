"""The span of a request that the program itself exports: method, route and status by the semantic conventions."""

import pytest
from msgspec.structs import replace
from opentelemetry.trace import SpanKind, StatusCode

from tenure import wire
from tenure._sinks.otel.sinks import EndedSpans, emitter_for

PROCESS = wire.Process(bytes(range(16)), "shop", "host-1", 4711, "3.11.7", 0)
SITE = wire.Site("shop.py", 7, "order", "", "request", "response")
ALL_OK = wire.OK | wire.OK << wire.BODY_SHIFT | wire.OK << wire.RELEASE_SHIFT
CLOSED = wire.Row(1, 0, 0, 0, 0, 0, 0, 5, 50, 5, ALL_OK)
OPEN = replace(CLOSED, hold_ns=wire.NOT_REACHED, release_ns=wire.NOT_REACHED, outcomes=wire.OK)


def batch(name: str, row: wire.Row, status: int = 0, *, number: int = 1, final: bool = False) -> wire.Batch:
    return wire.Batch(
        version=wire.VERSION,
        process=PROCESS,
        sequence=number,
        clock_offset_ns=0,
        base_ns=1_000,
        sites=[SITE],
        resources=[wire.Resource(number, "starlette.requests.Request", name, None)],
        tasks=[wire.Task(1, "request-1", "request", "task", 0, 0, None, None)],
        traces=[wire.Trace(1)],
        exceptions=[],
        rows=[row],
        final=final,
        responses=[wire.Response(0, status)] if status else [],
    )


def span_of(*batches: wire.Batch):
    """The span that these batches are, and those of its attributes that have a meaning to HTTP."""
    ended = EndedSpans()
    emitter = emitter_for(PROCESS, ended)
    for entry in batches:
        emitter.take(entry)
    (span,) = ended.spans
    wanted = ("http.", "error.")
    return span, {key: value for key, value in span.attributes.items() if key.startswith(wanted)}


@pytest.mark.parametrize(
    ("name", "status", "expected"),
    [
        ("GET /orders/{id}", 200, {"http.request.method": "GET", "http.route": "/orders/{id}"}),
        ("GET", 404, {"http.request.method": "GET"}),
        ("* /any", 404, {"http.request.method": "_OTHER", "http.route": "/any"}),
        ("WEBSOCKET /feed", 403, {"http.route": "/feed"}),
        ("404 Not Found", 404, {}),
        ("GET /orders/{id}", 0, {"http.request.method": "GET", "http.route": "/orders/{id}"}),
    ],
)
def test_a_request_has_method_route_and_status(name, status, expected):
    """As far as they are known; below 500 a status is no error of the server."""
    span, attributes = span_of(batch(name, CLOSED, status))
    assert attributes == expected | ({"http.response.status_code": status} if status else {})
    assert (span.name, span.kind, span.status.status_code) == (name, SpanKind.SERVER, StatusCode.UNSET)


def test_a_server_error_is_the_status_of_the_span():
    """Its type is the number, and there is no description, as the conventions have it."""
    span, attributes = span_of(batch("GET /orders/{id}", CLOSED, 503))
    assert attributes["error.type"] == "503"
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "")


def test_a_route_that_is_found_after_the_begin_is_in_the_span():
    """Its name and its attributes are those of the end."""
    span, attributes = span_of(batch("GET", OPEN), batch("GET /orders/{id}", CLOSED, 200, number=2))
    assert span.name == "GET /orders/{id}"
    assert attributes == {
        "http.request.method": "GET",
        "http.route": "/orders/{id}",
        "http.response.status_code": 200,
    }
    assert span.attributes["tenure.resource.name"] == "GET /orders/{id}"


def test_an_abandoned_request_has_the_status_that_it_had():
    """The process ended while it sent its response."""
    span, attributes = span_of(batch("GET /feed", OPEN, 200, final=True))
    assert attributes["http.response.status_code"] == 200
    assert (attributes["error.type"], span.status.status_code) == ("abandoned", StatusCode.ERROR)

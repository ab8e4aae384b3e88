"""How export targets are written."""

from __future__ import annotations

import pytest
from tests.server.support.batches import Program
from tests.server.support.collector import Clock, collecting
from tests.server.support.exporters import ended
from tests.server.support.otlp_backend import Backend

from tenure_server.errors import UsageError
from tenure_server.export.targets import Target, for_metrics, parse_headers
from tenure_server.settings import Settings


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


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("grpc://127.0.0.1", "grpc://127.0.0.1:4317"),
        ("grpc://shop:secret@127.0.0.1:5000/", "grpc://127.0.0.1:5000"),
        ("grpcs://example.org:443", "grpcs://example.org:443"),
        ("grpc://[::1]:4317", "grpc://[::1]:4317"),
    ],
)
def test_a_grpc_address_is_a_host_and_a_port(given: str, name: str) -> None:
    """4317 where none is given; the method is added for each signal."""
    target = Target.parse(given)
    assert (target.name, for_metrics(target).name) == (name, name)
    assert target.url == f"{name}/opentelemetry.proto.collector.trace.v1.TraceService/Export"
    assert for_metrics(target).url == f"{name}/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"


@pytest.mark.parametrize("headers", [{"x key": "1"}, {"x-key": "schlüssel"}, {"x-bin": "1"}, {"x-key": "a\nb"}])
def test_a_header_that_grpc_cannot_carry_is_refused_without_its_value(headers: dict[str, str]) -> None:
    """At the start rather than with every request; HTTP's own rules are others."""
    with pytest.raises(UsageError) as caught:
        Target.parse("grpc://127.0.0.1:4317", headers)
    (name,) = headers
    assert str(caught.value) == (
        f"gRPC cannot send the header {name!r}: a name consists of a-z, 0-9, _, . and -, a value of printable"
        " ASCII (change $OTEL_EXPORTER_OTLP_HEADERS, or export by OTLP/HTTP)"
    )


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:4318", "grpc://", "grpc://h/v1/traces", "http://", "http://h:x", "grpc://h:x", "http://h?a"]
)
def test_what_is_no_address_is_refused(url: str) -> None:
    """With what to write instead."""
    with pytest.raises(
        UsageError, match=r"invalid OTLP address .+ \(expected, for example, http://127\.0\.0\.1:4318, or grpc://"
    ):
        Target.parse(url)


@pytest.mark.parametrize("headers", ["secret", "=secret", "a=b%0d%0aInjected: yes"])
def test_headers_that_are_none_are_refused_without_showing_them(headers: str) -> None:
    """They may hold a secret."""
    with pytest.raises(UsageError, match=r"^\$OTEL_EXPORTER_OTLP_HEADERS is not a list of headers \(write name=value"):
        parse_headers(headers)

"""Addresses of export targets: http:// and https:// for OTLP/HTTP, grpc:// and grpcs:// for OTLP/gRPC."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from tenure_server.errors import UsageError

HEADERS_VARIABLE = "OTEL_EXPORTER_OTLP_HEADERS"
SCHEMES = ("http", "https", "grpc", "grpcs")
_GRPC_PORT = 4317
_METHOD = "/opentelemetry.proto.collector.{0}.v1.{1}Service/Export"


class Target(NamedTuple):
    """``name`` is the URL without credentials, which are in ``headers``; ``url`` has the signal's path or method."""

    name: str
    url: str
    headers: Mapping[str, str]

    @property
    def is_grpc(self) -> bool:
        return self.url.startswith("grpc")

    @property
    def is_secure(self) -> bool:
        return self.url.startswith(("https:", "grpcs:"))

    @classmethod
    def parse(cls, text: str, headers: Mapping[str, str] | None = None) -> Target:
        """Read an address for spans.

        A URL of OTLP/HTTP is a base, "http://127.0.0.1:4318", or ends with "/v1/traces". A URL of gRPC is
        "grpc://127.0.0.1:4317" without encryption or "grpcs://backend:443" with it.

        Raises:
            UsageError: the URL is invalid, or the headers cannot be sent there.
        """
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = None
        if host is None or parts.scheme not in SCHEMES or parts.query or parts.fragment:
            raise _invalid_address(text)
        all_headers: dict[str, str] = dict(headers or {})
        if parts.username is not None:
            all_headers["Authorization"] = _basic(unquote(parts.username), unquote(parts.password or ""))
        address = f"[{host}]" if ":" in host else host
        if parts.scheme.startswith("grpc"):
            return _grpc(text, parts, f"{address}:{_GRPC_PORT if port is None else port}", all_headers)
        path = parts.path.rstrip("/")
        if not path.endswith("/v1/traces"):
            path += "/v1/traces"
        url = urlunsplit((parts.scheme, address if port is None else f"{address}:{port}", path, "", ""))
        return cls(url, url, all_headers)


def _grpc(text: str, parts: SplitResult, address: str, headers: Mapping[str, str]) -> Target:
    if parts.path not in {"", "/"}:
        raise _invalid_address(text)
    metadata = {name.lower(): value for name, value in headers.items()}
    for name, value in metadata.items():  # gRPC allows lower case and printable ASCII only
        if not re.fullmatch(r"[a-z0-9_.-]+", name) or not re.fullmatch(r"[ -~]*", value) or name.endswith("-bin"):
            raise UsageError(
                f"gRPC cannot send the header {name!r}: a name consists of a-z, 0-9, _, . and -, a value of printable"
                f" ASCII (change ${HEADERS_VARIABLE}, or export by OTLP/HTTP)"
            )
    name = f"{parts.scheme}://{address}"
    return Target(name, name + _METHOD.format("trace", "Trace"), metadata)


def _invalid_address(text: str) -> UsageError:
    return UsageError(
        f"invalid OTLP address --otlp {text!r} (expected, for example, http://127.0.0.1:4318,"
        " or grpc://127.0.0.1:4317 for gRPC)"
    )


def parse_headers(text: str) -> dict[str, str]:
    """The headers of $OTEL_EXPORTER_OTLP_HEADERS, "api-key=secret,x-team=shop%20floor".

    Raises:
        UsageError: the text has another form.
    """
    headers = {}
    for pair in filter(None, (pair.strip() for pair in text.split(","))):
        name, equals, value = pair.partition("=")
        if not equals or not name.strip() or any(c in unquote(pair) for c in "\r\n\0"):
            raise UsageError(f"${HEADERS_VARIABLE} is not a list of headers (write name=value,name=value)")
        headers[name.strip()] = unquote(value.strip())
    return headers


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def for_metrics(target: Target) -> Target:
    """The address for metrics of the same backend."""
    if target.is_grpc:
        return target._replace(url=target.name + _METHOD.format("metrics", "Metrics"))
    url = target.url.removesuffix("traces") + "metrics"
    return Target(url, url, target.headers)

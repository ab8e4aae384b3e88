"""One request of OTLP/HTTP and what its answer means.

By the OpenTelemetry protocol's specification, 1.7 (https://opentelemetry.io/docs/specs/otlp/#otlphttp): 200 is success,
perhaps a partial one; 429, 502, 503, 504 and no answer at all are to be tried again, after Retry-After where it says
so; every other status means that the same request must not be sent again.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from base64 import b64encode
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

import aiohttp

from tenure_server.errors import UsageError
from tenure_server.export.protobuf import Malformed, fields

CONTENT_TYPE = "application/x-protobuf"
HEADERS_VARIABLE = "OTEL_EXPORTER_OTLP_HEADERS"
TOO_LARGE = 413
_RETRYABLE = frozenset({429, 502, 503, 504})
_TIMEOUT_S = 10.0
_MAX_ANSWER = 65_536  # bytes read of one
_LONGEST_RETRY_AFTER_S = 3_600.0


class Accepted(NamedTuple):
    """``rejected`` items were not taken, and are not to be sent again; ``message`` says why, or is a warning."""

    rejected: int
    message: str


class Later(NamedTuple):
    """Not now; ``after_s`` is what the receiver asked for."""

    what: str
    after_s: float | None


class Refused(NamedTuple):
    """Never: the status and what it came with."""

    status: int
    what: str


Answer = Accepted | Later | Refused


class Target(NamedTuple):
    """``name`` is the URL without its credentials, ``headers`` carry those."""

    name: str
    url: str
    headers: Mapping[str, str]

    @classmethod
    def parse(cls, text: str, headers: Mapping[str, str] | None = None) -> Target:
        """Where spans go, of a base URL, "http://127.0.0.1:4318", or of one that ends with "/v1/traces" already.

        Raises:
            UsageError: it is no such URL.
        """
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError:
            host = None
        if host is None or parts.scheme not in {"http", "https"} or parts.query or parts.fragment:
            raise UsageError(f"--otlp {text!r} is no OTLP/HTTP address (write http://127.0.0.1:4318, say)")
        path = parts.path.rstrip("/")
        if not path.endswith("/v1/traces"):
            path += "/v1/traces"
        where = (f"[{host}]" if ":" in host else host) + (f":{port}" if port is not None else "")
        own: dict[str, str] = dict(headers or {})
        if parts.username is not None:
            own["Authorization"] = _basic(unquote(parts.username), unquote(parts.password or ""))
        url = urlunsplit((parts.scheme, where, path, "", ""))
        return cls(url, url, own)


def parse_headers(text: str) -> dict[str, str]:
    """The headers of $OTEL_EXPORTER_OTLP_HEADERS, "api-key=secret,x-team=shop%20floor".

    Raises:
        UsageError: it is written otherwise.
    """
    found = {}
    for piece in filter(None, (piece.strip() for piece in text.split(","))):
        name, equals, value = piece.partition("=")
        if not equals or not name.strip() or any(c in unquote(piece) for c in "\r\n\0"):
            raise UsageError(f"${HEADERS_VARIABLE} is no list of headers (write name=value,name=value)")
        found[name.strip()] = unquote(value.strip())
    return found


def _basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


def for_metrics(target: Target) -> Target:
    """Where the same backend takes metrics."""
    url = target.url.removesuffix("traces") + "metrics"
    return Target(url, url, target.headers)


class Sender:
    """Posts to one target. It is used in one event loop, and closed there."""

    def __init__(self, target: Target, timeout_s: float = _TIMEOUT_S) -> None:
        self.target = target
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, body: bytes) -> Answer:
        """Send the request, gzipped; every outcome is an answer."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, auto_decompress=True)
        headers = {"Content-Type": CONTENT_TYPE, "Content-Encoding": "gzip", **self.target.headers}
        packed = await asyncio.to_thread(gzip.compress, body, 1, mtime=0)
        try:
            async with self._session.post(
                self.target.url, data=packed, headers=headers, allow_redirects=False
            ) as response:
                return await _understand(response)
        except TimeoutError:
            return Later(f"no answer within {self._timeout.total:g} s", None)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Later(_reason(error), None)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


async def _understand(response: aiohttp.ClientResponse) -> Answer:
    body = await response.content.read(_MAX_ANSWER)
    if 200 <= response.status < 300:
        return _accepted(body, response.content_type)
    what = f"{response.status} {_message(body, response.content_type) or response.reason or ''}".rstrip()
    if response.status in _RETRYABLE:
        return Later(what, _retry_after(response.headers.get("Retry-After")))
    return Refused(response.status, what)


def _accepted(body: bytes, content_type: str) -> Accepted:
    """An answer that cannot be read is a success all the same: its status says so."""
    rejected, message = 0, b""
    try:
        if content_type == "application/json":
            partial = json.loads(body or b"{}").get("partialSuccess") or {}
            counts = [int(count) for name, count in partial.items() if name.startswith("rejected")]
            return Accepted(max(counts, default=0), _line(str(partial.get("errorMessage") or "")))
        for number, value in fields(body):
            if number == 1 and isinstance(value, bytes):  # partial_success
                for inner, found in fields(value):
                    if inner == 1 and isinstance(found, int):
                        rejected = found
                    elif inner == 2 and isinstance(found, bytes):
                        message = found
    except (Malformed, ValueError, AttributeError, TypeError):
        return Accepted(0, "")
    return Accepted(rejected, _line(message.decode(errors="replace")))


def _message(body: bytes, content_type: str) -> str:
    """The message of a google.rpc.Status, or the beginning of what else it is."""
    try:
        if content_type == "application/json":
            return _line(str(json.loads(body).get("message", "")))
        if content_type == CONTENT_TYPE:
            for number, value in fields(body):
                if number == 2 and isinstance(value, bytes):
                    return _line(value.decode(errors="replace"))
            return ""
    except (Malformed, ValueError, AttributeError):
        return ""
    return _line(body.decode(errors="replace")) if content_type.startswith("text/plain") else ""


def _line(text: str) -> str:
    return " ".join(text.split())[:300]


def _retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After field: a number of them, or a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    try:
        seconds = float(value) if value.strip().isdigit() else parsedate_to_datetime(value).timestamp() - time()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER_S)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__

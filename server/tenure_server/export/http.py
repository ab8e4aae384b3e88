"""OTLP over HTTP.

The rules are those of the OpenTelemetry protocol's specification, 1.7
(https://opentelemetry.io/docs/specs/otlp/#otlphttp): 200 is a success or a partial success; a request is retried after
429, 502, 503, 504 or no answer, with the pause of Retry-After if there is one; after any other status the same request
must not be sent again.
"""

from __future__ import annotations

import asyncio
import gzip
import json
from email.utils import parsedate_to_datetime
from time import time

import aiohttp

from tenure_server.export.responses import MAX_RETRY_AFTER_S, Accepted, Answer, Refused, Retry, one_line, read_response
from tenure_server.export.targets import Target
from tenure_server.opentelemetry.certificates import Certificates
from tenure_server.opentelemetry.protobuf import Malformed, fields

CONTENT_TYPE = "application/x-protobuf"
_TOO_LARGE = 413
_RETRYABLE = frozenset({429, 502, 503, 504})
_MAX_ANSWER = 65_536  # bytes that are read of an answer


class HttpSender:
    """Posts to one target."""

    def __init__(self, target: Target, timeout_s: float, certificates: Certificates) -> None:
        self.target = target
        self._tls = certificates.context() if target.is_secure else True
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def send(self, body: bytes) -> Answer:
        """Send the request, gzipped; every failure is an answer too."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout, auto_decompress=True)
        headers = {"Content-Type": CONTENT_TYPE, "Content-Encoding": "gzip", **self.target.headers}
        packed = await asyncio.to_thread(gzip.compress, body, 1, mtime=0)
        try:
            async with self._session.post(
                self.target.url, data=packed, headers=headers, allow_redirects=False, ssl=self._tls
            ) as response:
                return await _interpret(response)
        except TimeoutError:
            return Retry(f"no answer within {self._timeout.total:g} s", None)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Retry(_error_text(error), None)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()


async def _interpret(response: aiohttp.ClientResponse) -> Answer:
    body = await response.content.read(_MAX_ANSWER)
    if 200 <= response.status < 300:
        return _read_response(body, response.content_type)
    reason = f"{response.status} {_error_message(body, response.content_type) or response.reason or ''}".rstrip()
    if response.status in _RETRYABLE:
        return Retry(reason, _retry_after(response.headers.get("Retry-After")))
    return Refused(reason, is_too_large=response.status == _TOO_LARGE)


def _read_response(body: bytes, content_type: str) -> Accepted:
    """Read the answer in protobuf, like the request, or in JSON; an unreadable one is a success too."""
    if content_type != "application/json":
        return read_response(body)
    try:
        partial = json.loads(body or b"{}").get("partialSuccess") or {}
        counts = [int(count) for name, count in partial.items() if name.startswith("rejected")]
        return Accepted(max(counts, default=0), one_line(str(partial.get("errorMessage") or "")))
    except (ValueError, AttributeError, TypeError):
        return Accepted(0, "")


def _error_message(body: bytes, content_type: str) -> str:
    """The message of a google.rpc.Status, or the beginning of a plain text."""
    try:
        if content_type == "application/json":
            return one_line(str(json.loads(body).get("message", "")))
        if content_type == CONTENT_TYPE:
            for number, value in fields(body):
                if number == 2 and isinstance(value, bytes):
                    return one_line(value.decode(errors="replace"))
            return ""
    except (Malformed, ValueError, AttributeError):
        return ""
    return one_line(body.decode(errors="replace")) if content_type.startswith("text/plain") else ""


def _retry_after(value: str | None) -> float | None:
    """The seconds of a Retry-After field: a number of seconds, or a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    try:
        seconds = float(value) if value.strip().isdigit() else parsedate_to_datetime(value).timestamp() - time()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def _error_text(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__

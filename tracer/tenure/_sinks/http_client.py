"""One POST to the collector over a connection that is kept, with the standard library alone."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tenure import wire
from tenure._core import file_descriptors
from tenure.errors import UsageError

_TIMEOUT = 10.0  # seconds, for each step of a request
_OF_BATCHES = {"Content-Type": wire.CONTENT_TYPE}
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class ConnectionFailed(Exception):
    """Nothing came back that could be read as an HTTP answer."""


class Answer(NamedTuple):
    """What the collector said: the status, the problem's detail, and the seconds of Retry-After."""

    status: int
    detail: str
    retry_after: float | None


class Endpoint:
    """``POST`` to a path below a base URL; ``what`` and ``example`` are what an error says should have been given.

    Raises:
        UsageError: the URL is malformed.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        path: str = "/v1/lifecycles",
        headers: Mapping[str, str] = _OF_BATCHES,
        what: str = "collector URL",
        example: str = "http://127.0.0.1:4320",
    ) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise UsageError(f"invalid {what} {url!r}: {error} (expected, for example, {example})") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError(f"invalid {what} {url!r} (expected, for example, {example})")
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, port
        base = parts.path.rstrip("/")
        self._path = base if base.endswith(path) else base + path
        self._headers = {"User-Agent": "tenure", **headers}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._connection: http.client.HTTPConnection | None = None
        self._socket: file_descriptors.Identity | None = None
        self._interrupted = False

    def post(self, data: bytes) -> Answer:
        """Send a batch. A kept connection that the other side closed in between is opened anew, once.

        Raises:
            NoAnswer: refused, timed out, broken off, or no HTTP.
        """
        headers = dict(self._headers)
        if self._host not in _LOOPBACK and len(data) > 1_000:
            data = gzip.compress(data, 1)
            headers["Content-Encoding"] = "gzip"
        self._interrupted = False
        was_kept = self._connection is not None
        try:
            return self._exchange(data, headers)
        except TimeoutError:
            self.disconnect()
            raise ConnectionFailed(f"no answer within {_TIMEOUT:.0f} s") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.disconnect()
            if not was_kept or self._interrupted:
                raise ConnectionFailed(_reason(error)) from None
        return self.post(data)

    def interrupt(self) -> None:
        """End a request that another thread is in, which may end it itself meanwhile."""
        self._interrupted = True
        connection = self._connection
        kept = None if connection is None else connection.sock
        if kept is not None and self._is_ours(kept):
            with contextlib.suppress(OSError):
                kept.shutdown(socket.SHUT_RDWR)

    def disconnect(self) -> None:
        """Drop the connection."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if connection.sock is not None and not self._is_ours(connection.sock):
            connection.sock.detach()  # closed by the program, which may have something of its own under this number
        connection.close()

    def _is_ours(self, kept: socket.socket | None) -> bool:
        known = self._socket
        return kept is not None and known is not None and file_descriptors.is_still(kept.fileno(), known)

    def _exchange(self, data: bytes, headers: dict[str, str]) -> Answer:
        if self._connection is not None and not self._is_ours(self._connection.sock):
            self.disconnect()
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            self._connection = kind(self._host, self._port, timeout=_TIMEOUT)
            self._connection._create_connection = _connected  # type: ignore[attr-defined] # noqa: SLF001 # no other way
            self._connection.connect()
            self._socket = file_descriptors.identity(self._connection.sock.fileno())
        self._connection.request("POST", self._path, data, headers)
        response = self._connection.getresponse()
        body = response.read(100_000)
        if response.read(1) or response.will_close:
            self.disconnect()
        return Answer(response.status, _detail(body), _retry_after(response.getheader("Retry-After")))


def _connected(*arguments: Any, **named: Any) -> socket.socket:
    """``socket.create_connection``, under a number that no standard stream has."""
    connected = socket.create_connection(*arguments, **named)
    timeout = connected.gettimeout()
    moved = socket.socket(fileno=file_descriptors.beyond_standard(connected.detach()))
    moved.settimeout(timeout)
    return moved


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or _one_line(str(error)) or type(error).__name__


def _one_line(text: str) -> str:
    """What somebody else wrote, fit for the program's terminal: no line breaks, nothing that cannot be printed."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:300]


def _detail(body: bytes) -> str:
    """The detail of a problem document (RFC 9457), on one line; "" where it is none."""
    try:
        problem = json.loads(body)
        detail = problem.get("detail") or problem.get("title") or ""
    except (ValueError, AttributeError):
        return ""
    return _one_line(str(detail))


def _retry_after(value: str | None) -> float | None:
    """Seconds from a Retry-After field, which holds a number of them or a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except ValueError:
        return None

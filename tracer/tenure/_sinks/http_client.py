"""POST requests over a persistent connection, with the standard library alone."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Mapping
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from tenure._core import file_descriptors, late_imports
from tenure._sinks import compression
from tenure.errors import UsageError
from tenure.wire_constants import CONTENT_TYPE

if TYPE_CHECKING:
    import http.client

_STEP_TIMEOUT_S = 10.0  # for each step of a request: connecting, writing, reading
_BATCH_HEADERS = {"Content-Type": CONTENT_TYPE}
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class ConnectionFailed(Exception):
    """There was no answer, or it was not HTTP."""


class Answer(NamedTuple):
    """The collector's answer: the status, the detail of a problem document, and the seconds of Retry-After."""

    status: int
    detail: str
    retry_after: float | None


class Endpoint:
    """Posts to a path below a base URL; ``url_kind`` and ``example`` are words for error messages.

    Raises:
        UsageError: the URL is malformed.
    """

    def __init__(
        self,
        url: str,
        token: str | None = None,
        *,
        path: str = "/v1/lifecycles",
        headers: Mapping[str, str] = _BATCH_HEADERS,
        url_kind: str = "collector URL",
        example: str = "http://127.0.0.1:4320",
    ) -> None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise UsageError(f"invalid {url_kind} {url!r}: {error} (expected, for example, {example})") from None
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UsageError(f"invalid {url_kind} {url!r} (expected, for example, {example})")
        self._secure, self._host, self._port = parts.scheme == "https", parts.hostname, port
        base = parts.path.rstrip("/")
        self._path = base if base.endswith(path) else base + path
        self._headers = {"User-Agent": "tenure", **headers}
        if token:
            self._headers["Authorization"] = f"Bearer {token}"
        self._connection: http.client.HTTPConnection | None = None
        self._socket_identity: file_descriptors.Identity | None = None
        self._interrupted = False
        self._compress: Callable[[bytes], bytes] | None = None
        self._has_looked = False  # for a function that compresses

    def post(self, data: bytes) -> Answer:
        """Send a body. If the other side has closed the persistent connection, open a new one, once.

        Raises:
            ConnectionFailed: refused, timed out, broken off, or the answer is not HTTP.
        """
        answer = self._post(*self._encoded(data))
        if answer.status == 415 and self._compress is not None:  # it reads no zstd
            self._compress = None
            answer = self._post(data, self._headers)
        return answer

    def _encoded(self, data: bytes) -> tuple[bytes, dict[str, str]]:
        """The body to send and its headers."""
        if self._host in _LOOPBACK or len(data) < compression.SMALLEST:
            return data, self._headers
        if not self._has_looked:
            self._compress, self._has_looked = compression.compressor(), True
        if self._compress is None:
            return data, self._headers
        return self._compress(data), {**self._headers, "Content-Encoding": compression.ENCODING}

    def _post(self, data: bytes, headers: dict[str, str]) -> Answer:
        client = late_imports.module("http.client")
        self._interrupted = False
        was_connected = self._connection is not None
        try:
            return self._exchange(data, headers)
        except TimeoutError:
            self.disconnect()
            raise ConnectionFailed(f"no answer within {_STEP_TIMEOUT_S:.0f} s") from None
        except (OSError, client.HTTPException, ValueError) as error:
            self.disconnect()
            if not was_connected or self._interrupted:
                raise ConnectionFailed(_reason(error)) from None
        return self._post(data, headers)

    def interrupt(self) -> None:
        """Abort the request of another thread, which may also end by itself meanwhile."""
        self._interrupted = True
        connection = self._connection
        current_socket = None if connection is None else connection.sock
        if current_socket is not None and self._is_ours(current_socket):
            with contextlib.suppress(OSError):
                current_socket.shutdown(socket.SHUT_RDWR)

    def disconnect(self) -> None:
        """Close the connection."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if connection.sock is not None and not self._is_ours(connection.sock):
            connection.sock.detach()  # the program closed it, and may have its own file under this descriptor number
        connection.close()

    def _is_ours(self, candidate: socket.socket | None) -> bool:
        identity = self._socket_identity
        if candidate is None or identity is None:
            return False
        return file_descriptors.is_still(candidate.fileno(), identity)

    def _exchange(self, data: bytes, headers: dict[str, str]) -> Answer:
        if self._connection is not None and not self._is_ours(self._connection.sock):
            self.disconnect()
        if self._connection is None:
            client = late_imports.module("http.client")
            kind = client.HTTPSConnection if self._secure else client.HTTPConnection
            self._connection = kind(self._host, self._port, timeout=_STEP_TIMEOUT_S)
            self._connection._create_connection = _create_connection  # type: ignore[union-attr] # noqa: SLF001 # no other way
            self._connection.connect()
            self._socket_identity = file_descriptors.identity(self._connection.sock.fileno())
        self._connection.request("POST", self._path, data, headers)
        response = self._connection.getresponse()
        body = response.read(100_000)
        if response.read(1) or response.will_close:
            self.disconnect()
        return Answer(response.status, _detail(body), _retry_after(response.getheader("Retry-After")))


def _create_connection(*arguments: Any, **named: Any) -> socket.socket:
    """Connect, as ``socket.create_connection``, with a descriptor number that no standard stream has."""
    connected = socket.create_connection(*arguments, **named)
    timeout = connected.gettimeout()
    moved = socket.socket(fileno=file_descriptors.beyond_standard(connected.detach()))
    moved.settimeout(timeout)
    return moved


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or _one_line(str(error)) or type(error).__name__


def _one_line(text: str) -> str:
    """Make a text from outside fit for the program's terminal: one line, printable characters only."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:300]


def _detail(body: bytes) -> str:
    """Return the detail of a problem document (RFC 9457), on one line; "" if the body is something else."""
    try:
        problem = late_imports.module("json").loads(body)
        detail = problem.get("detail") or problem.get("title") or ""
    except (ValueError, AttributeError):
        return ""
    return _one_line(str(detail))


def _retry_after(value: str | None) -> float | None:
    """Return the seconds of a Retry-After field, which has a number of seconds or a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        seconds: float = late_imports.module("email.utils").parsedate_to_datetime(value).timestamp() - time()
        return max(0.0, seconds)
    except ValueError:
        return None

"""Checks a collector: whether it answers, whether its store works, whether it accepts the token, and its version."""

from __future__ import annotations

import http.client
import json
import os
from urllib.parse import urlsplit

import msgspec

from tenure import session
from tenure._core import process_scrubber
from tenure.errors import UsageError

_TIMEOUT = 3.0  # seconds, for each request
_LONGEST = 1_000_000  # bytes of an answer that are read


class CollectorStatus(msgspec.Struct, frozen=True):
    """The state of a collector. ``answers``: it is reachable; ``problem``: the problem and the remedy, "" if none."""

    url: str
    answers: bool
    version: str
    problem: str


def check(url: str | None) -> CollectorStatus:
    """Check the collector of this URL; None: that of the environment, or the default.

    Raises:
        UsageError: the URL is malformed.
    """
    status = _examine((url or os.environ.get("TENURE_COLLECTOR") or session.DEFAULT_COLLECTOR).rstrip("/"))
    return msgspec.structs.replace(status, url=process_scrubber.line(status.url))


def _examine(url: str) -> CollectorStatus:
    try:
        status, _ = _request(url, "GET", "/readyz")
        if status == 404:
            return CollectorStatus(url, True, "", "it is not a Tenure collector (see --collector)")
        if status != 200:
            return CollectorStatus(
                url, True, "", f"it is not ready: /readyz answers {status} (its log gives the reason)"
            )
        status, body = _request(url, "GET", "/api/openapi.json")
        if status == 401 and _request(url, "POST", "/v1/lifecycles")[0] == 415:
            return CollectorStatus(url, True, "", "")  # the token permits sending, and nothing else
    except (OSError, http.client.HTTPException) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
        return CollectorStatus(url, False, "", f"it does not answer: {reason} (start it with `tenure serve`)")
    if status in {401, 403}:
        reaction = "rejects the token" if os.environ.get("TENURE_TOKEN") else "requires a token"
        return CollectorStatus(url, True, "", f"it {reaction}: {status} (set TENURE_TOKEN)")
    return CollectorStatus(url, True, _version(body), "" if status == 200 else f"/api/openapi.json answers {status}")


def _request(url: str, method: str, path: str) -> tuple[int, bytes]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UsageError(
            f"invalid collector URL {url!r}: {error} (expected, for example, http://127.0.0.1:4320)"
        ) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(f"invalid collector URL {url!r} (expected, for example, http://127.0.0.1:4320)")
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    token = os.environ.get("TENURE_TOKEN")
    connection = kind(parts.hostname, port, timeout=_TIMEOUT)
    try:
        connection.request(method, parts.path + path, headers={"Authorization": f"Bearer {token}"} if token else {})
        response = connection.getresponse()
        return response.status, response.read(_LONGEST)
    finally:
        connection.close()


def _version(body: bytes) -> str:
    try:
        return str(json.loads(body)["info"]["version"])
    except (ValueError, LookupError, TypeError):
        return ""

"""Asks another collector's API, for ``tenure export``."""

from __future__ import annotations

import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping

import msgspec

from tenure_server.errors import UsageError
from tenure_server.limits import MAX_DIAGRAM, MAX_LIST
from tenure_server.settings import TOKEN_VARIABLE

_TIMEOUT_S = 30.0


class _Page(msgspec.Struct):
    items: list[msgspec.Raw]
    cursor: str | None


class _Steps(msgspec.Struct):
    steps: msgspec.Raw
    earlier: int


class _Problem(msgspec.Struct):
    detail: str


class Collector:
    """A collector at a URL. All methods raise UsageError where it does not answer as it should."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def mermaid(self, trace: str | None) -> str:
        return self._get("/api/diagram", {"format": "mermaid", "limit": str(MAX_DIAGRAM)} | _subject(trace)).decode()

    def steps(self, trace: str | None) -> tuple[msgspec.Raw, int]:
        answer = self._get("/api/diagram", {"limit": str(MAX_DIAGRAM)} | _subject(trace))
        diagram = msgspec.json.decode(answer, type=_Steps)
        return diagram.steps, diagram.earlier

    def lifecycles(self, trace: str | None) -> list[msgspec.Raw]:
        """All of them, oldest first."""
        found: list[msgspec.Raw] = []
        query = {"limit": str(MAX_LIST)} | _subject(trace)
        while True:
            page = msgspec.json.decode(self._get("/api/lifecycles", query), type=_Page)
            found += page.items
            if page.cursor is None:
                return found[::-1]
            query["cursor"] = page.cursor

    def _get(self, path: str, query: Mapping[str, str]) -> bytes:
        request = urllib.request.Request(f"{self._url}{path}?{urllib.parse.urlencode(query)}")  # noqa: S310 -- http(s) only
        if token := os.environ.get(TOKEN_VARIABLE):
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                data: bytes = answer.read()
                return data
        except urllib.error.HTTPError as error:
            with error:
                raise UsageError(f"collector at {self._url} answered {error.code}: {_detail(error)}") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise UsageError(
                f"collector at {self._url} does not answer: {reason} (start it with `tenure serve`)"
            ) from None


def _subject(trace: str | None) -> dict[str, str]:
    return {} if trace is None else {"trace": trace}


def _detail(error: urllib.error.HTTPError) -> str:
    hint = f" (set {TOKEN_VARIABLE})" if error.code == 401 else ""
    try:
        return msgspec.json.decode(error.read(), type=_Problem).detail + hint
    except (msgspec.MsgspecError, OSError):
        return f"{error.reason}{hint}"

"""A collector as a source, by its API."""

from __future__ import annotations

import os
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from typing import TypeVar

import msgspec

from tenure_server.diagram.steps import Diagram
from tenure_server.errors import SubjectGone, UsageError
from tenure_server.limits import EXPORT_SPANS, MAX_LIST
from tenure_server.live.messages import Overview
from tenure_server.model.lens import Lens
from tenure_server.model.records import Lifecycle, Process, Resource, Trace
from tenure_server.settings import TOKEN_VARIABLE
from tenure_server.store import ClosedLifecycle, ClosedLifecycles, Listing

_TIMEOUT_S = 30.0
_NOT_FOUND = 404

Item = TypeVar("Item")


class _Problem(msgspec.Struct):
    detail: str


class CollectorSource:
    """A collector at a URL. All methods raise UsageError if it does not answer, or answers an error."""

    def __init__(self, url: str, *, internal: bool = False) -> None:
        self._url = url.rstrip("/")
        self._lists = {"internal": "1"} if internal else {}

    def overview(self) -> Overview:
        return Overview(
            time.time_ns(),
            self._all("/api/processes", Listing[Process], {}),
            self._all("/api/traces", Listing[Trace], self._lists),
            self._all("/api/resources", Listing[Resource], self._lists),
        )

    def diagram(self, lens: Lens, limit: int, *, fold_roots: bool = False) -> Diagram:
        query = {"limit": str(limit), "fold_roots": str(int(fold_roots)), **_query(lens), **self._lists}
        return self._get("/api/diagram", Diagram, query)

    def lifecycles(self, trace: str | None) -> list[Lifecycle]:
        """All of them, oldest first."""
        query = self._lists if trace is None else {"trace": trace, **self._lists}
        return self._all("/api/lifecycles", Listing[Lifecycle], query)[::-1]

    def closed_lifecycles(self, trace: str | None) -> Iterator[ClosedLifecycles]:
        """Without lifecycles that arrived as spans: their sender can send them to other backends, complete."""
        all_lifecycles = self.lifecycles(trace)
        processes = {process.id: process for process in self._all("/api/processes", Listing[Process], {})}
        # Between the two answers the collector may have deleted a process with its lifecycles.
        lifecycles = [
            lifecycle for lifecycle in all_lifecycles if lifecycle.site.exit and lifecycle.process in processes
        ]
        ended = [
            ClosedLifecycle(lifecycle, lifecycle.released_ns or processes[lifecycle.process].last_seen_ns)
            for lifecycle in lifecycles
            if lifecycle.phase in {"closed", "abandoned"}
        ]
        for start in range(0, len(ended), EXPORT_SPANS):
            yield ClosedLifecycles(ended[start : start + EXPORT_SPANS], processes, lifecycles, 0, 0)

    def _all(self, path: str, kind: type[Listing[Item]], query: Mapping[str, str]) -> list[Item]:
        """Every item of a list, newest first."""
        items: list[Item] = []
        parameters = {"limit": str(MAX_LIST), **query}
        while True:
            page = self._get(path, kind, parameters)
            items += page.items
            if page.cursor is None:
                return items
            parameters["cursor"] = page.cursor

    def _get(self, path: str, kind: type[Item], query: Mapping[str, str]) -> Item:
        data = self._read(path, query)
        try:
            return msgspec.json.decode(data, type=kind)
        except msgspec.MsgspecError as error:
            raise UsageError(
                f"unexpected answer of {self._url} to {path}: {error} (give the URL of a collector of this version)"
            ) from None

    def _read(self, path: str, query: Mapping[str, str]) -> bytes:
        request = urllib.request.Request(f"{self._url}{path}?{urllib.parse.urlencode(query)}")  # noqa: S310 -- http(s) only
        if token := os.environ.get(TOKEN_VARIABLE):
            request.add_header("Authorization", f"Bearer {token}")
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
                data: bytes = answer.read()
                return data
        except urllib.error.HTTPError as error:
            with error:
                kind = SubjectGone if error.code == _NOT_FOUND else UsageError
                raise kind(f"collector at {self._url} answered {error.code}: {_detail(error)}") from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise UsageError(
                f"collector at {self._url} does not answer: {reason} (start it with `tenure serve`)"
            ) from None


def _query(lens: Lens) -> dict[str, str]:
    """The lens as parameters of /api/diagram."""
    subjects = {"trace": lens.trace, "task": lens.task, "resource": lens.resource, "process": lens.process}
    query = {name: value for name, value in subjects.items() if value is not None}
    return {**query, "fold": str(int(lens.fold)), "tasks": lens.tasks, "resources": lens.resources}


def _detail(error: urllib.error.HTTPError) -> str:
    hint = f" (set {TOKEN_VARIABLE})" if error.code == 401 else ""
    try:
        return msgspec.json.decode(error.read(), type=_Problem).detail + hint
    except (msgspec.MsgspecError, OSError):
        return f"{error.reason}{hint}"

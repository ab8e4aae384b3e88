"""The tables of one batch: each site, resource, task, trace and exception that its rows name, once.

Every text is scrubbed, cut and made encodable here, on its way out of the process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import msgspec

from tenure import wire
from tenure._core import process_scrubber
from tenure._core.process_scrubber import text
from tenure._identify import sites, tracer
from tenure._identify.exceptions import Canceller, Failure
from tenure._identify.resource_ids import Resource
from tenure._identify.sites import Site
from tenure._identify.span_ids import SpanIds
from tenure._identify.task_table import Task

MAX_MESSAGE = 500  # characters of an exception's message that are shipped
_T = TypeVar("_T")
_KEPT = 20_000  # sites whose wire form is remembered from one batch to the next


class Tables:
    """Collects table entries and gives their places."""

    def __init__(self) -> None:
        self.sites: list[wire.Site] = []
        self.resources: list[wire.Resource] = []
        self.tasks: list[wire.Task] = []
        self.traces: list[wire.Trace] = []
        self.exceptions: list[wire.ExceptionInfo] = []
        self.cancellers: list[wire.Canceller] = []
        self._site_places: dict[str, int] = {}
        self._resource_places: dict[int, int] = {}
        self._task_places: dict[int, int] = {}
        self._trace_places: dict[int, int] = {}
        self._exception_numbers: dict[tuple[str, str, Canceller | None], int] = {}
        self._unnamed: list[tuple[int, Canceller]] = []  # numbers of exceptions, and who is not in the tables yet

    def site(self, key: str) -> int:
        """The index of a site."""
        place = self._site_places.get(key)
        if place is None:
            place = self._site_places[key] = self._place(key, _site(key))
        return place

    def _place(self, key: str, site: wire.Site) -> int:
        """Several instructions of one statement are one site."""
        if sites.settled(key) != key and site in self.sites:
            return self.sites.index(site)
        self.sites.append(site)
        return len(self.sites) - 1

    def has_resource(self, number: int) -> bool:
        """Whether the resource is in the table already."""
        return number in self._resource_places

    def resource(self, number: int, known: Resource | None = None) -> int:
        """The index of a resource; ``known`` where it may have been forgotten."""
        place = self._resource_places.get(number)
        if place is None:
            place = self._resource_places[number] = len(self.resources)
            known = tracer.current.resource_ids.current(number) or known
            if known is None:  # never seen, but a row without its resource would lose the whole batch
                known = Resource(number, "unknown", "", None, "participant")
            self.resources.append(_resource(tracer.current.resource_ids.settle(known)))
        return place

    def put_renamed(self) -> None:
        """Put in the resources that got another name than before, whether a row names them or not."""
        for resource in tracer.current.resource_ids.take_renamed():
            current = tracer.current.resource_ids.current(resource.id) or resource
            self.resources[self.resource(resource.id, resource)] = _resource(current)

    def task_place(self, number: int) -> int | None:
        """The index of a task that is in the table already."""
        return self._task_places.get(number)

    def task(self, task: Task, created_in: int) -> int:
        """The index of a task in its present state."""
        place = self._task_places.get(task.id)
        if place is None:
            place = self._task_places[task.id] = len(self.tasks)
            outcome = 0
            if task.finished_ns is not None and task.ended:
                outcome = wire.OK if task.failure is None else task.failure.outcome
            self.tasks.append(
                wire.Task(
                    id=task.id,
                    name=text(task.name or f"task-{task.id}"),
                    coroutine=text(task.coroutine),
                    kind=task.kind,
                    parent=task.parent,
                    created_in=created_in,
                    created_ns=task.created_ns,
                    finished_ns=task.finished_ns,
                    outcome=outcome,
                    exception=self.exception(task.failure),
                    loop=task.loop,
                    thread=text(task.thread),
                )
            )
        return place

    def trace(self, root: int, link: int, span: SpanIds | None) -> int:
        """The index of a trace."""
        place = self._trace_places.get(root)
        if place is None:
            place = self._trace_places[root] = len(self.traces)
            self.traces.append(wire.Trace(root, link, *(span or ())))
        return place

    def exception(self, failure: Failure | None) -> int:
        """The number of an exception, 0 for none."""
        if failure is None:
            return 0
        key = failure.type, failure.message, failure.canceller
        number = self._exception_numbers.get(key)
        if number is None:
            self.exceptions.append(
                wire.ExceptionInfo(text(failure.type), process_scrubber.message(failure.message, MAX_MESSAGE))
            )
            number = self._exception_numbers[key] = len(self.exceptions)
            if failure.canceller is not None:
                self._unnamed.append((number, failure.canceller))
        return number

    def name_cancellers(self, task: Callable[[Canceller], int]) -> None:
        """Put in who cancelled; ``task`` gives the index of that task, which may bring exceptions of its own."""
        while self._unnamed:
            number, canceller = self._unnamed.pop()
            by = task(canceller) + 1 if canceller.task else 0
            at = self.site(canceller.site) + 1 if canceller.site else 0
            self.cancellers.append(wire.Canceller(number, by, text(canceller.via), at))


def process_of(process: wire.Process) -> wire.Process:
    """The process as it stands in a batch."""
    return msgspec.structs.replace(process, service=text(process.service), host=text(process.host))


def _resource(resource: Resource) -> wire.Resource:
    number, kind, name, capacity, stereotype = resource
    return wire.Resource(number, text(kind), text(name), capacity, stereotype)


def _site(key: str) -> wire.Site:
    known = tracer.current.wire_sites
    site = known.get(key)
    if site is None:
        parts = Site.of(sites.settled(key))
        enter, leave = ("__enter__", "__exit__") if parts.sync else ("__aenter__", "__aexit__")
        called = tracer.current.calls.get(key, ("", ""))
        expression = process_scrubber.expression(parts.expression)
        file = text(parts.file[-wire.MAX_STRING :])
        called_by = (
            process_scrubber.expression(sites.settled_text(called[0])) if sites.is_late(called[0]) else called[0]
        )
        calls = text(called_by or enter), text(called[1] or leave)
        site = wire.Site(file, parts.line, text(parts.function), expression, *calls, parts.internal)
        if len(known) >= _KEPT:
            known.clear()
        known[key] = site
    return site


def chunks(items: list[_T], length: int) -> Iterator[Sequence[_T]]:
    """The items in parts of at most this length."""
    for start in range(0, len(items), length):
        yield items[start : start + length]

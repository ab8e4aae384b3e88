"""From endings to the bytes of an ExportTraceServiceRequest.

OpenTelemetry's own encoder builds an object for every attribute of every span. Most of a span is what hundreds of
others have too, so each resource, site, task and outcome is encoded once a request and pasted; what differs from span
to span (ids and times) stands in front, in fields of fixed length, and is packed by one ``struct`` for each of the few
forms that a span can have.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

from tenure import wire
from tenure_server.export import span_mapping
from tenure_server.export.span_links import Link, links_of
from tenure_server.model.records import Lifecycle, Process
from tenure_server.opentelemetry.protobuf import (
    FIXED_32,
    FIXED_64,
    LENGTH,
    VARINT,
    attributes,
    message,
    tag,
    text,
    varint,
)
from tenure_server.store import ClosedLifecycle, ClosedLifecycles

# Fields of opentelemetry.proto.trace.v1: ResourceSpans, ScopeSpans, Span, Event, Link, Status.
_RESOURCE, _SCOPE_SPANS = 1, 2
_SCOPE, _SPANS = 1, 2
_TRACE, _SPAN, _PARENT, _NAME, _KIND, _START, _END, _ATTRIBUTES, _EVENTS = 1, 2, 4, 5, 6, 7, 8, 9, 11
_LINKS, _STATUS, _FLAGS = 13, 15, 16
_EVENT_TIME, _EVENT_NAME, _EVENT_ATTRIBUTES = 1, 2, 3
_LINK_TRACE, _LINK_SPAN, _LINK_ATTRIBUTES, _LINK_FLAGS = 1, 2, 4, 6
_STATUS_MESSAGE, _STATUS_CODE = 2, 3

_HAS_IS_REMOTE = struct.pack("<I", 0x100)  # SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK: it is known, and it is not
_NS = 1e9  # of a second
_Pack = Callable[..., bytes]


def encode(endings: ClosedLifecycles) -> bytes:
    """All items as one request; each process is a resource of its own, its spans in their order."""
    by_process: dict[str, list[ClosedLifecycle]] = {}
    for ending in endings.items:
        by_process.setdefault(ending.lifecycle.process, []).append(ending)
    links = links_of(endings)
    return b"".join(_resource_spans(endings.processes[process], items, links) for process, items in by_process.items())


def _resource_spans(process: Process, items: Sequence[ClosedLifecycle], links: Mapping[str, list[Link]]) -> bytes:
    resource = attributes(1, span_mapping.process_attributes(process))
    scope = text(1, span_mapping.SCOPE) + text(2, span_mapping.VERSION)
    spans = b"".join(_Spans(process.id, links).pieces(items))
    return message(1, message(_RESOURCE, resource) + message(_SCOPE_SPANS, message(_SCOPE, scope) + spans))


class _Spans:
    """The spans of one process in one request.

    What lifecycles share is known by its address: the records stay alive while the request is encoded.
    """

    def __init__(self, process: str, links: Mapping[str, list[Link]]) -> None:
        self._low = int(process[16:], 16)
        self._links = links
        self._shared: dict[object, bytes] = {}

    def pieces(self, items: Iterable[ClosedLifecycle]) -> Iterable[bytes]:
        """Each span as a field of ScopeSpans, in pieces to be joined."""
        lengths: dict[int, bytes] = {}
        for ending in items:
            lifecycle = ending.lifecycle
            site, resource, task = lifecycle.site, lifecycle.resource, lifecycle.task
            shared = self._shared
            what = shared.get((id(resource), site.enter)) or self._resource_fields(lifecycle)
            where = shared.get(id(site)) or self._site_fields(lifecycle)
            who = shared.get(id(task)) or self._task_fields(lifecycle)
            how = self._outcome_fields(lifecycle)
            more = self._optional_fields(lifecycle)
            own = self._ids_and_times(ending)
            size = len(own) + len(what) + len(where) + len(who) + len(how) + len(more)
            length = lengths.get(size)
            if length is None:
                length = lengths[size] = tag(_SPANS, LENGTH) + varint(size)
            yield length
            yield own
            yield what
            yield where
            yield who
            yield how
            if more:
                yield more

    def _ids_and_times(self, ending: ClosedLifecycle) -> bytes:
        """Ids and times."""
        lifecycle = ending.lifecycle
        start, acquired, release = lifecycle.acquire_ns, lifecycle.acquired_ns, lifecycle.release_ns
        trace = bytes.fromhex(lifecycle.trace)
        span = _span(self._low, lifecycle.id)
        ids: tuple[bytes, ...] = (trace, span)
        if lifecycle.otel_parent is not None:
            ids = trace, span, bytes.fromhex(lifecycle.otel_parent)
        elif lifecycle.parent is not None:
            ids = trace, span, _span(self._low, lifecycle.parent)
        has_parent = len(ids) == 3
        if acquired is None:
            return _PACK[has_parent, 0](*ids, start, ending.ended_ns)
        wait = (acquired - start) / _NS
        if release is None:
            return _PACK[has_parent, 1](*ids, start, ending.ended_ns, wait, acquired)
        hold = (release - acquired) / _NS
        if lifecycle.released_ns is None:
            return _PACK[has_parent, 2](*ids, start, ending.ended_ns, wait, hold, acquired, release)
        gave = (lifecycle.released_ns - release) / _NS
        return _PACK[has_parent, 3](*ids, start, ending.ended_ns, wait, hold, gave, acquired, release)

    def _resource_fields(self, lifecycle: Lifecycle) -> bytes:
        resource, site = lifecycle.resource, lifecycle.site
        made = self._shared[id(resource), site.enter] = (
            text(_NAME, span_mapping.span_name(resource, site))
            + tag(_KIND, VARINT)
            + varint(span_mapping.span_kind(site))
            + attributes(_ATTRIBUTES, span_mapping.resource_attributes(resource))
        )
        return made

    def _site_fields(self, lifecycle: Lifecycle) -> bytes:
        made = self._shared[id(lifecycle.site)] = attributes(_ATTRIBUTES, span_mapping.site_attributes(lifecycle.site))
        return made

    def _task_fields(self, lifecycle: Lifecycle) -> bytes:
        made = self._shared[id(lifecycle.task)] = attributes(_ATTRIBUTES, span_mapping.task_attributes(lifecycle.task))
        return made

    def _outcome_fields(self, lifecycle: Lifecycle) -> bytes:
        """Outcomes and status."""
        key = (
            lifecycle.acquire_outcome,
            lifecycle.body_outcome,
            lifecycle.release_outcome,
            lifecycle.suppressed,
            lifecycle.phase if lifecycle.phase == "closed" else span_mapping.left_in(lifecycle),
            id(lifecycle.raised),
            id(lifecycle.body_exception),
        )
        made = self._shared.get(key)
        if made is None:
            status = span_mapping.status_of(lifecycle)
            code = tag(_STATUS_CODE, VARINT) + varint(status.code) if status.code else b""
            made = self._shared[key] = attributes(_ATTRIBUTES, span_mapping.outcome_attributes(lifecycle)) + message(
                _STATUS, text(_STATUS_MESSAGE, status.description) + code
            )
        return made

    def _optional_fields(self, lifecycle: Lifecycle) -> bytes:
        """What few have: exceptions and links."""
        made = b""
        if lifecycle.body_exception is not None and lifecycle.release_ns is not None:
            about = span_mapping.exception_attributes(lifecycle.body_exception, "held")
            made += _exception(lifecycle.release_ns, about)
        if lifecycle.raised is not None and lifecycle.released_ns is not None:
            about = span_mapping.exception_attributes(lifecycle.raised, span_mapping.raised_in(lifecycle))
            made += _exception(lifecycle.released_ns, about)
        for link in self._links.get(lifecycle.id, ()):
            made += _link(link)
        return made


def _span(low: int, lifecycle: str) -> bytes:
    """``wire.span_id`` as bytes; ``low`` is the lower half of the process id."""
    value = low + int(lifecycle[33:]) * wire.SPAN_STEP & 0xFFFF_FFFF_FFFF_FFFF
    return (value or wire.SPAN_STEP).to_bytes(8, "big")


def _exception(at_ns: int, about: span_mapping.Attributes) -> bytes:
    content = tag(_EVENT_TIME, FIXED_64) + at_ns.to_bytes(8, "little") + text(_EVENT_NAME, span_mapping.EXCEPTION)
    return message(_EVENTS, content + attributes(_EVENT_ATTRIBUTES, about))


def _link(link: Link) -> bytes:
    span = _span(int(link.lifecycle[16:32], 16), link.lifecycle)
    content = message(_LINK_TRACE, bytes.fromhex(link.trace)) + message(_LINK_SPAN, span)
    content += attributes(_LINK_ATTRIBUTES, {span_mapping.LINK: link.why}) + tag(_LINK_FLAGS, FIXED_32) + _HAS_IS_REMOTE
    return message(_LINKS, content)


def _packing(has_parent: bool, phases: int) -> _Pack:
    """Packs the ids, start and end, then as many durations and events as phases have ended, in fields in front."""
    ids = (_TRACE, 16), (_SPAN, 8), (_PARENT, 8)
    parts: list[tuple[bytes, str]] = [
        (tag(field, LENGTH) + varint(length), f"{length}s") for field, length in (ids if has_parent else ids[:2])
    ]
    parts += [(tag(field, FIXED_64), "Q") for field in (_START, _END)]
    for key in (span_mapping.WAIT_TIME, span_mapping.HOLD_TIME, span_mapping.RELEASE_TIME)[:phases]:
        whole = attributes(_ATTRIBUTES, {key: 0.0})
        parts.append((whole[:-8], "d"))
    after = b""
    for name in (span_mapping.ACQUIRED, span_mapping.RELEASING)[:phases]:
        before, named = tag(_EVENT_TIME, FIXED_64), text(_EVENT_NAME, name)
        whole = message(_EVENTS, before + bytes(8) + named)
        parts.append((after + whole[: -8 - len(named)], "Q"))
        after = named
    last = after + tag(_FLAGS, FIXED_32) + _HAS_IS_REMOTE
    layout = struct.Struct("<" + "".join(f"{len(constant)}s{kind}" for constant, kind in parts) + f"{len(last)}s")
    blank: list[object] = [*chain.from_iterable((constant, None) for constant, _ in parts), last]

    def pack(*values: bytes | float) -> bytes:
        filled = blank.copy()
        filled[1::2] = values
        return layout.pack(*filled)

    return pack


_PACK = {(has_parent, phases): _packing(has_parent, phases) for has_parent in (False, True) for phases in range(4)}

"""From closed lifecycles to the bytes of an ExportTraceServiceRequest.

OpenTelemetry's own encoder builds an object for every attribute of every span. Spans share most of their fields, so
each resource, site, task and combination of outcomes is encoded once in a request, and its bytes are copied into every
span. Ids and times differ from span to span: they come first, in fields of fixed length. One ``struct`` for each of the
eight layouts packs them.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

from tenure import semconv, wire
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

_HAS_IS_REMOTE = struct.pack("<I", 0x100)  # SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK: known, and not remote
_NS = 1e9  # of a second
_Pack = Callable[..., bytes]


def encode(closed: ClosedLifecycles) -> bytes:
    """All items as one request, with one ResourceSpans for each process and its spans in their order."""
    by_process: dict[str, list[ClosedLifecycle]] = {}
    for item in closed.items:
        by_process.setdefault(item.lifecycle.process, []).append(item)
    links = links_of(closed)
    return b"".join(_resource_spans(closed.processes[process], items, links) for process, items in by_process.items())


def _resource_spans(process: Process, items: Sequence[ClosedLifecycle], links: Mapping[str, list[Link]]) -> bytes:
    resource = attributes(1, span_mapping.process_attributes(process))
    scope = text(1, semconv.SCOPE) + text(2, span_mapping.VERSION)
    spans = b"".join(_Spans(process.id, links).pieces(items))
    return message(1, message(_RESOURCE, resource) + message(_SCOPE_SPANS, message(_SCOPE, scope) + spans))


class _Spans:
    """The spans of one process in one request.

    Shared bytes are found by the addresses of their records, which stay alive while the request is encoded.
    """

    def __init__(self, process: str, links: Mapping[str, list[Link]]) -> None:
        self._process_low = int(process[16:], 16)  # the lower 64 bits of the process id
        self._links = links
        self._shared: dict[object, bytes] = {}

    def pieces(self, items: Iterable[ClosedLifecycle]) -> Iterable[bytes]:
        """Each span as a field of ScopeSpans, in pieces to be joined."""
        lengths: dict[int, bytes] = {}
        for item in items:
            lifecycle = item.lifecycle
            site, resource, task = lifecycle.site, lifecycle.resource, lifecycle.task
            shared = self._shared
            resource_fields = shared.get((id(resource), site.enter)) or self._resource_fields(lifecycle)
            site_fields = shared.get(id(site)) or self._site_fields(lifecycle)
            task_fields = shared.get(id(task)) or self._task_fields(lifecycle)
            outcomes = self._outcome_fields(lifecycle)
            optional = self._optional_fields(lifecycle)
            ids = self._ids_and_times(item)
            size = len(ids) + len(resource_fields) + len(site_fields) + len(task_fields) + len(outcomes) + len(optional)
            length = lengths.get(size)
            if length is None:
                length = lengths[size] = tag(_SPANS, LENGTH) + varint(size)
            yield length
            yield ids
            yield resource_fields
            yield site_fields
            yield task_fields
            yield outcomes
            if optional:
                yield optional

    def _ids_and_times(self, item: ClosedLifecycle) -> bytes:
        lifecycle = item.lifecycle
        start, acquired, release = lifecycle.acquire_ns, lifecycle.acquired_ns, lifecycle.release_ns
        trace = bytes.fromhex(lifecycle.trace)
        span = _span_id(self._process_low, lifecycle.id)
        ids: tuple[bytes, ...] = (trace, span)
        if lifecycle.otel_parent is not None:
            ids = trace, span, bytes.fromhex(lifecycle.otel_parent)
        elif lifecycle.parent is not None:
            ids = trace, span, _span_id(self._process_low, lifecycle.parent)
        has_parent = len(ids) == 3
        if acquired is None:
            return _PACK[has_parent, 0](*ids, start, item.ended_ns)
        wait = (acquired - start) / _NS
        if release is None:
            return _PACK[has_parent, 1](*ids, start, item.ended_ns, wait, acquired)
        hold = (release - acquired) / _NS
        if lifecycle.released_ns is None:
            return _PACK[has_parent, 2](*ids, start, item.ended_ns, wait, hold, acquired, release)
        release_time = (lifecycle.released_ns - release) / _NS
        return _PACK[has_parent, 3](*ids, start, item.ended_ns, wait, hold, release_time, acquired, release)

    def _resource_fields(self, lifecycle: Lifecycle) -> bytes:
        resource, site = lifecycle.resource, lifecycle.site
        encoded = self._shared[id(resource), site.enter] = (
            text(_NAME, semconv.span_name(resource, site))
            + tag(_KIND, VARINT)
            + varint(span_mapping.span_kind(site))
            + attributes(_ATTRIBUTES, semconv.resource_attributes(resource, resource.id))
            + attributes(_ATTRIBUTES, semconv.request_attributes(resource, site))
        )
        return encoded

    def _site_fields(self, lifecycle: Lifecycle) -> bytes:
        site = lifecycle.site
        encoded = self._shared[id(site)] = attributes(_ATTRIBUTES, semconv.site_attributes(site))
        return encoded

    def _task_fields(self, lifecycle: Lifecycle) -> bytes:
        task = lifecycle.task
        encoded = self._shared[id(task)] = attributes(
            _ATTRIBUTES, semconv.task_attributes(task, lifecycle.loop, lifecycle.thread)
        )
        return encoded

    def _outcome_fields(self, lifecycle: Lifecycle) -> bytes:
        """Outcomes, the status of a response, and the status of the span."""
        key = (
            lifecycle.acquire_outcome,
            lifecycle.body_outcome,
            lifecycle.release_outcome,
            lifecycle.suppressed,
            lifecycle.phase if lifecycle.phase == "closed" else semconv.open_phase(lifecycle),
            id(lifecycle.raised),
            id(lifecycle.body_exception),
            lifecycle.status,
            lifecycle.internal,
            lifecycle.propagated and lifecycle.parent is not None,
        )
        encoded = self._shared.get(key)
        if encoded is None:
            status = semconv.status_of(lifecycle)
            code = tag(_STATUS_CODE, VARINT) + varint(span_mapping.ERROR) if status.error_type else b""
            encoded = attributes(_ATTRIBUTES, semconv.outcome_attributes(lifecycle)) + message(
                _STATUS, text(_STATUS_MESSAGE, status.description) + code
            )
            self._shared[key] = encoded
        return encoded

    def _optional_fields(self, lifecycle: Lifecycle) -> bytes:
        """The task that released, exceptions and links, which few spans have."""
        encoded = b""
        if lifecycle.released_by is not None:
            encoded = attributes(_ATTRIBUTES, semconv.release_attributes(lifecycle))
        if lifecycle.body_exception is not None or lifecycle.raised is not None:
            encoded += b"".join(_exception(event) for event in semconv.exception_events(lifecycle))
        for link in self._links.get(lifecycle.id, ()):
            encoded += _link(link)
        return encoded


def _span_id(process_low: int, lifecycle: str) -> bytes:
    """``wire.span_id`` as bytes; ``process_low`` is the lower half of the process id."""
    value = process_low + int(lifecycle[33:]) * wire.SPAN_STEP & 0xFFFF_FFFF_FFFF_FFFF
    return (value or wire.SPAN_STEP).to_bytes(8, "big")


def _exception(event: semconv.ExceptionEvent) -> bytes:
    content = tag(_EVENT_TIME, FIXED_64) + event.at_ns.to_bytes(8, "little") + text(_EVENT_NAME, semconv.EXCEPTION)
    return message(_EVENTS, content + attributes(_EVENT_ATTRIBUTES, event.attributes))


def _link(link: Link) -> bytes:
    span = _span_id(int(link.lifecycle[16:32], 16), link.lifecycle)
    content = message(_LINK_TRACE, bytes.fromhex(link.trace)) + message(_LINK_SPAN, span)
    content += attributes(_LINK_ATTRIBUTES, {semconv.LINK: link.reason}) + tag(_LINK_FLAGS, FIXED_32) + _HAS_IS_REMOTE
    return message(_LINKS, content)


def _packer(has_parent: bool, phases: int) -> _Pack:
    """A function that packs ids, start and end, then one duration and one event for each of the phases that ended."""
    ids = (_TRACE, 16), (_SPAN, 8), (_PARENT, 8)
    parts: list[tuple[bytes, str]] = [
        (tag(field, LENGTH) + varint(length), f"{length}s") for field, length in (ids if has_parent else ids[:2])
    ]
    parts += [(tag(field, FIXED_64), "Q") for field in (_START, _END)]
    for key in (semconv.WAIT_TIME, semconv.HOLD_TIME, semconv.RELEASE_TIME)[:phases]:
        whole = attributes(_ATTRIBUTES, {key: 0.0})
        parts.append((whole[:-8], "d"))
    after = b""
    for name in (semconv.ACQUIRED, semconv.RELEASING)[:phases]:
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


_PACK = {(has_parent, phases): _packer(has_parent, phases) for has_parent in (False, True) for phases in range(4)}

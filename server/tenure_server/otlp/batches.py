"""From spans to what the store writes: a batch for each process, its lifecycles numbered by the time of their begin.

A span comes after it has ended, its children before it, and perhaps twice. So nothing here is counted: the number of a
lifecycle is its start in 40 bits, milliseconds above and some of its id below, and the store moves on from there where
another has that number already. The order of the numbers is the order of time, whatever order the spans come in, and a
span that comes again finds itself. After 2 ** 54 ns (208 days) the numbers begin anew, in another process.
"""

# ruff: noqa: PLR1730 -- a comparison costs a quarter of a call of max, for every span

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from tenure import wire
from tenure_server.otlp import meaning
from tenure_server.otlp.spans import Facts, Form, Group, Shape, Span
from tenure_server.store import SpanRow, Spans

_GENERATION_BITS = 54  # of a start in ns
_TICK_BITS = 20  # about a millisecond
_CHANCE_BITS = 6  # of the span's id: 64 spans may begin in one tick before they must make room for each other
_TICKS = (1 << meaning.NUMBER_BITS - _CHANCE_BITS) - 1
_CHANCE = (1 << _CHANCE_BITS) - 1
_LATEST_NS = 1 << 62
_LONGEST_NS = 1 << 57

_OK = wire.OK | wire.OK << wire.BODY_SHIFT | wire.OK << wire.RELEASE_SHIFT
_FAILED = wire.OK | wire.ERROR << wire.BODY_SHIFT | wire.OK << wire.RELEASE_SHIFT

_NO_TRACE, _NO_SPAN = bytes(16), bytes(8)

Rejected = Counter[str]  # how many spans, by what is wrong with them


def batches(groups: Iterable[Group]) -> tuple[list[Spans], Rejected]:
    """What is to be stored, and what is not fit to be.

    Raises:
        Malformed: a span turns out to be none.
    """
    rejected: Rejected = Counter()
    parts: dict[tuple[bytes, bytes | None], _Part] = {}
    for group in groups:
        origin = _origin(group)
        for generation, spans in _sound(group.spans, rejected).items():
            process = meaning.process(group.resource, spans[0].start_ns, generation)
            part = parts.setdefault((process.id, origin), _Part(process, origin))
            part.add(spans, group.form)
    return [part.spans() for part in parts.values()], rejected


def _sound(spans: Iterable[Span], rejected: Rejected) -> dict[int, list[Span]]:
    """Those that are fit to be stored, by generation."""
    found: dict[int, list[Span]] = {}
    last, some = -1, []
    for span in spans:
        start_ns, end_ns, parent = span.start_ns, span.end_ns, span.parent
        if (
            len(span.trace) != 16
            or len(span.id) != 8
            or (parent and len(parent) != 8)
            or not 0 < start_ns <= end_ns < start_ns + _LONGEST_NS
            or start_ns >= _LATEST_NS
            or span.trace == _NO_TRACE
            or span.id == _NO_SPAN
        ):
            rejected[_what_is_wrong(span)] += 1
            continue
        generation = start_ns >> _GENERATION_BITS
        if generation != last:
            last, some = generation, found.setdefault(generation, [])
        some.append(span)
    return found


def _what_is_wrong(span: Span) -> str:
    if len(span.trace) != 16 or span.trace == _NO_TRACE:
        return "no trace id of 16 bytes"
    if len(span.id) != 8 or span.id == _NO_SPAN:
        return "no span id of 8 bytes"
    if span.parent and len(span.parent) != 8:
        return "a parent id of other than 8 bytes"
    if not 0 < span.start_ns < _LATEST_NS:
        return "no start"
    if span.end_ns < span.start_ns:
        return "an end before the start"
    return "an end years after the start"


def _origin(group: Group) -> bytes | None:
    """The tracer's process, where the spans were lifecycles before they were spans."""
    instance = group.resource.get("service.instance.id")
    if group.scope != "tenure" or not isinstance(instance, str) or len(instance) != 32:
        return None
    try:
        return bytes.fromhex(instance)
    except ValueError:
        return None


_Learnt = tuple[int, int, str, Facts]  # what becomes of a shape: resource and site by number, the thread


class _Part:
    """The spans of one process, on their way into a batch."""

    def __init__(self, process: wire.Process, origin: bytes | None) -> None:
        self._process = process
        self._origin = origin
        self._resources: dict[wire.Resource, int] = {}
        self._sites: dict[wire.Site, int] = {}
        self._tasks: dict[tuple[bytes, str], list[int]] = {}  # index, start, end
        self._traces: dict[bytes, list[int]] = {}  # index, start, number of the one that began first
        self._exceptions: dict[wire.ExceptionInfo, int] = {}
        self._rows: list[SpanRow] = []

    def add(self, spans: Iterable[Span], form: Callable[[Shape], Form]) -> None:
        """More spans, whose shapes are read by ``form``: readers may differ, and so may what their shapes mean."""
        shapes: dict[Shape, _Learnt] = {}
        tasks, traces, add_row, from_bytes = self._tasks, self._traces, self._rows.append, int.from_bytes
        for span in spans:
            trace_id, shape, start_ns, end_ns = span.trace, span.shape, span.start_ns, span.end_ns
            resource, site, thread, facts = shapes.get(shape) or shapes.setdefault(shape, self._learn(form(shape)))
            task = tasks.get((trace_id, thread))
            if task is None:
                task = tasks[trace_id, thread] = [len(tasks), start_ns, end_ns]
            else:
                if start_ns < task[1]:
                    task[1] = start_ns
                if end_ns > task[2]:
                    task[2] = end_ns
            span_id = from_bytes(span.id, "big", signed=True)
            number = (start_ns >> _TICK_BITS & _TICKS) << _CHANCE_BITS | span_id & _CHANCE or 1
            trace = traces.get(trace_id)
            if trace is None:
                trace = traces[trace_id] = [len(traces), start_ns, number]
            elif start_ns < trace[1]:
                trace[1:] = start_ns, number
            outcomes, exception = _OK, 0
            if span.error is not None:
                outcomes, exception = _FAILED, self._exception(span.error, facts)
            parent = from_bytes(span.parent, "big", signed=True) if span.parent else 0
            add_row(
                SpanRow(
                    number, span_id, parent, trace[0], task[0], resource, site, start_ns, end_ns - start_ns, outcomes,
                    exception,
                )
            )  # fmt: skip

    def _learn(self, form: Form) -> _Learnt:
        resource = self._resources.setdefault(meaning.resource(form), len(self._resources))
        site = self._sites.setdefault(meaning.site(form), len(self._sites))
        return resource, site, meaning.thread(form.facts), form.facts

    def _exception(self, error: tuple[str, str], facts: Facts) -> int:
        info = meaning.exception(error, facts)
        return 0 if info is None else self._exceptions.setdefault(info, len(self._exceptions) + 1)

    def _all_tasks(self) -> Iterator[wire.Task]:
        service = self._process.service
        for (trace, thread), (_, start_ns, end_ns) in self._tasks.items():
            yield wire.Task(
                id=meaning.task_number(trace, thread),
                name=thread or service,
                coroutine="" if thread else service,
                kind="thread" if thread else "task",
                parent=0,
                created_in=0,
                created_ns=start_ns,
                finished_ns=end_ns,
                outcome=wire.OK,
            )

    def spans(self) -> Spans:
        batch = wire.Batch(
            version=wire.VERSION,
            process=self._process,
            sequence=1,
            clock_offset_ns=0,
            base_ns=0,
            sites=list(self._sites),
            resources=list(self._resources),
            tasks=list(self._all_tasks()),
            traces=[wire.Trace(number, 0, trace) for trace, (_, _, number) in self._traces.items()],
            exceptions=list(self._exceptions),
            rows=[],
        )
        return Spans(batch, self._rows, self._origin)

"""From spans to what the store writes: a batch for each process, its lifecycles numbered by the time of their begin.

A span comes after it has ended, its children before it, and perhaps twice. So nothing here is counted: the number of a
lifecycle is its start in 40 bits, milliseconds above and some of its id below, and the store moves on from there where
another has that number already. The order of the numbers is the order of time, whatever order the spans come in, and a
span that comes again finds itself. After 2 ** 54 ns (208 days) the numbers begin anew, in another process.
"""

# ruff: noqa: PLR1730 -- a comparison costs a quarter of a call of max, for every span

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Final

from tenure import semconv, wire
from tenure_server.ingest.otlp import own_spans, span_mapping
from tenure_server.ingest.otlp.spans import Facts, Form, Group, Span
from tenure_server.store import SpanRow, Spans, SpanTask

_GENERATION_BITS = 54  # of a start in ns
_TICK_BITS = 20  # about a millisecond
_CHANCE_BITS = 6  # of the span's id: 64 spans may begin in one tick before they must make room for each other
_TICKS = (1 << span_mapping.NUMBER_BITS - _CHANCE_BITS) - 1
_CHANCE = (1 << _CHANCE_BITS) - 1
_LATEST_NS = 1 << 62
_LONGEST_NS = 1 << 57

_OK = wire.OK | wire.OK << wire.BODY_SHIFT | wire.OK << wire.RELEASE_SHIFT
_FAILED = wire.OK | wire.ERROR << wire.BODY_SHIFT | wire.OK << wire.RELEASE_SHIFT

_START: Final = 3  # indexes of a Span
_SHAPE: Final = 5

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
        for generation, spans in _by_generation(_sound(group.spans, rejected)).items():
            process = span_mapping.process(group.resource, spans[0][_START], generation)
            part = parts.setdefault((process.id, origin), _Part(process, origin))
            part.add(spans, group.form)
    return [part.spans() for part in parts.values()], rejected


def _sound(spans: Sequence[Span], rejected: Rejected) -> Sequence[Span]:
    """Those that are fit to be stored."""
    sound = [
        span
        for span in spans
        for trace, span_id, parent, start_ns, end_ns, *_ in (span,)
        if trace
        and span_id
        and parent is not None
        and 0 < start_ns <= end_ns < start_ns + _LONGEST_NS
        and start_ns < _LATEST_NS
    ]
    if len(sound) != len(spans):
        fit = set(map(id, sound))
        rejected.update(_what_is_wrong(span) for span in spans if id(span) not in fit)
    return sound


def _what_is_wrong(span: Span) -> str:
    trace, span_id, parent, start_ns, end_ns, *_ = span
    if not trace:
        return "no trace id of 16 bytes"
    if not span_id:
        return "no span id of 8 bytes"
    if parent is None:
        return "a parent id that is not 8 bytes long"
    if not 0 < start_ns < _LATEST_NS:
        return "no start time"
    if end_ns < start_ns:
        return "an end before the start"
    return "an end years after the start"


def _by_generation(spans: Sequence[Span]) -> dict[int, Sequence[Span]]:
    """Spans by what their start has above the bits of a number; nearly always there is one such."""
    generations = {span[_START] >> _GENERATION_BITS for span in spans}
    if len(generations) == 1:
        return {generations.pop(): spans}
    return {
        generation: [span for span in spans if span[_START] >> _GENERATION_BITS == generation]
        for generation in sorted(generations)
    }


def _origin(group: Group) -> bytes | None:
    """The tracer's process, where the spans were lifecycles before they were spans: as they say, or as their Resource.

    A program's own provider may know of no instance.
    """
    if group.scope != semconv.SCOPE or not group.spans:
        return None
    first = group.form(group.spans[0][_SHAPE]).facts
    told = str(first.get(semconv.TASK_ID) or group.resource.get(semconv.SERVICE_INSTANCE_ID, ""))
    process, _, _ = told.partition("-")
    try:
        return bytes.fromhex(process) if len(process) == 32 else None
    except ValueError:
        return None


_Who = tuple[int, str, str]  # of a task: number, kind and name
# What becomes of a shape: resource and site by number, the task, and what Tenure's own spans tell.
_Learnt = tuple[int, int, _Who, Facts, own_spans.Own | None]


class _Trace:
    """What the spans of one process have in one trace."""

    __slots__ = ("number", "root", "tasks")

    def __init__(self, number: int, root: int) -> None:
        self.number = number
        self.root = root  # the number of one of them
        self.tasks: dict[_Who, tuple[int, SpanTask]] = {}


class _Part:
    """The spans of one process, on their way into a batch."""

    def __init__(self, process: wire.Process, origin: bytes | None) -> None:
        self._process = process
        self._origin = origin
        self._resources: dict[wire.Resource, int] = {}
        self._sites: dict[wire.Site, int] = {}
        self._tasks: list[SpanTask] = []
        self._traces: dict[bytes, _Trace] = {}
        self._exceptions: dict[wire.ExceptionInfo, int] = {}
        self._rows: list[SpanRow] = []
        self._waited: set[int] = set()

    def add(self, spans: Iterable[Span], form: Callable[[Hashable], Form]) -> None:
        """More spans, whose shapes are read by ``form``: readers may differ, and so may what their shapes mean."""
        shapes: dict[Hashable, _Learnt] = {}
        traces, add_row = self._traces, self._rows.append
        for trace_id, span_id, parent, start_ns, end_ns, shape, error, times in spans:
            resource, site, who, facts, lifecycle = shapes.get(shape) or shapes.setdefault(
                shape, self._learn(form(shape))
            )
            number = (start_ns >> _TICK_BITS & _TICKS) << _CHANCE_BITS | span_id & _CHANCE or 1
            trace = traces.get(trace_id)
            if trace is None:
                trace = traces[trace_id] = _Trace(len(traces), number)
            known = trace.tasks.get(who)
            if known is None:
                known = trace.tasks[who] = len(self._tasks), self._task(trace.number, who, start_ns, end_ns)
            else:
                task = known[1]
                if start_ns < task.start_ns:
                    task.start_ns = start_ns
                if end_ns > task.end_ns:
                    task.end_ns = end_ns
            wait_ns, hold_ns, release_ns = 0, end_ns - start_ns, 0
            outcomes, left, raised = _OK, 0, 0
            if error is not None:
                outcomes, left = _FAILED, self._exception(error, facts)
            if lifecycle is not None:
                outcomes = lifecycle.outcomes
                wait_ns, hold_ns, release_ns = own_spans.phases(times, hold_ns, outcomes)
                if lifecycle.is_raised:
                    left, raised = 0, left
            add_row(
                (
                    number, span_id, parent or 0, trace.number, known[0], resource, site, start_ns, wait_ns, hold_ns,
                    release_ns, outcomes, left, raised,
                )
            )  # fmt: skip

    def _learn(self, form: Form) -> _Learnt:
        facts = form.facts
        lifecycle = own_spans.read(facts)
        if lifecycle is None:
            used, site, thread = span_mapping.resource(form), span_mapping.site(form), span_mapping.thread(facts)
            who = (0, "thread", thread) if thread else (0, "task", self._process.service)
        else:
            used, site, who = (
                own_spans.resource(facts),
                own_spans.site(facts),
                (lifecycle.task, "task", lifecycle.task_name),
            )
        resource = self._resources.setdefault(used, len(self._resources))
        if lifecycle is not None:
            self._waited.add(resource)
        return resource, self._sites.setdefault(site, len(self._sites)), who, facts, lifecycle

    def _exception(self, error: tuple[str, str], facts: Facts) -> int:
        info = span_mapping.exception(error, facts)
        return 0 if info is None else self._exceptions.setdefault(info, len(self._exceptions) + 1)

    def _task(self, trace: int, who: _Who, start_ns: int, end_ns: int) -> SpanTask:
        number, kind, name = who
        coroutine = "" if number or kind == "thread" else name
        task = SpanTask(number, trace, name, coroutine, kind, start_ns, end_ns)
        self._tasks.append(task)
        return task

    def spans(self) -> Spans:
        batch = wire.Batch(
            version=wire.VERSION,
            process=self._process,
            sequence=1,
            clock_offset_ns=0,
            base_ns=0,
            sites=list(self._sites),
            resources=list(self._resources),
            tasks=[],
            traces=[wire.Trace(trace.root, 0, trace_id) for trace_id, trace in self._traces.items()],
            exceptions=list(self._exceptions),
            rows=[],
        )
        return Spans(batch, self._tasks, self._rows, self._origin, frozenset(self._waited))

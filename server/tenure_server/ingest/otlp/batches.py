"""From spans to what the store writes: a batch for each process, its lifecycles numbered by their start.

A span arrives when it has ended, after its children, and perhaps twice. So its number cannot be counted: it is the
start in 40 bits, milliseconds above and a part of the span id below. If another span has that number, the store takes
a later one. So the order of the numbers is that of time, in whatever order spans arrive, and a span that is sent again
has the same number. After 2 ** 54 ns (208 days) the numbers start again, in another process (a *generation*).
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
_CHANCE_BITS = 6  # of the span id: up to 64 spans of one tick can have different numbers
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
    """The valid spans, as the store takes them, and the counts of invalid ones.

    Raises:
        MalformedRequest: the content of a span is malformed.
    """
    rejected: Rejected = Counter()
    parts: dict[tuple[bytes, bytes | None], _ProcessSpans] = {}
    for group in groups:
        origin = _origin(group)
        for generation, spans in _by_generation(_valid(group.spans, rejected)).items():
            process = span_mapping.process(group.resource, spans[0][_START], generation)
            part = parts.setdefault((process.id, origin), _ProcessSpans(process, origin))
            part.add(spans, group.form)
    return [part.spans() for part in parts.values()], rejected


def _valid(spans: Sequence[Span], rejected: Rejected) -> Sequence[Span]:
    """The spans that can be stored; the others are counted in ``rejected``."""
    valid = [
        span
        for span in spans
        for trace, span_id, parent, start_ns, end_ns, *_ in (span,)
        if trace
        and span_id
        and parent is not None
        and 0 < start_ns <= end_ns < start_ns + _LONGEST_NS
        and start_ns < _LATEST_NS
    ]
    if len(valid) != len(spans):
        valid_ids = set(map(id, valid))
        rejected.update(_defect(span) for span in spans if id(span) not in valid_ids)
    return valid


def _defect(span: Span) -> str:
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
    """Spans by the bits of their start above those of a number; nearly always there is one generation."""
    generations = {span[_START] >> _GENERATION_BITS for span in spans}
    if len(generations) == 1:
        return {generations.pop(): spans}
    return {
        generation: [span for span in spans if span[_START] >> _GENERATION_BITS == generation]
        for generation in sorted(generations)
    }


def _origin(group: Group) -> bytes | None:
    """The process of the tracer that made the spans, None for other spans: by the spans, or by their Resource.

    The Resource of a program's own provider may have no instance id.
    """
    if group.scope != semconv.SCOPE or not group.spans:
        return None
    first = group.form(group.spans[0][_SHAPE]).facts
    public_id = str(first.get(semconv.TASK_ID) or group.resource.get(semconv.SERVICE_INSTANCE_ID, ""))
    process, _, _ = public_id.partition("-")
    try:
        return bytes.fromhex(process) if len(process) == 32 else None
    except ValueError:
        return None


_TaskIdentity = tuple[int, str, str]  # number, kind and name
# What all spans of one shape share: indexes of resource and site, the task, the facts, those of Tenure's own spans, and
# the HTTP status (0: none).
_SharedFacts = tuple[int, int, _TaskIdentity, Facts, own_spans.OwnSpan | None, int]


class _TraceTasks:
    """The tasks of one process in one trace."""

    __slots__ = ("number", "root", "tasks")

    def __init__(self, number: int, root: int) -> None:
        self.number = number
        self.root = root  # the number of one of the spans
        self.tasks: dict[_TaskIdentity, tuple[int, SpanTask]] = {}


class _ProcessSpans:
    """Collects the spans of one process for a batch."""

    def __init__(self, process: wire.Process, origin: bytes | None) -> None:
        self._process = process
        self._origin = origin
        self._resources: dict[wire.Resource, int] = {}
        self._sites: dict[wire.Site, int] = {}
        self._tasks: list[SpanTask] = []
        self._traces: dict[bytes, _TraceTasks] = {}
        self._exceptions: dict[wire.ExceptionInfo, int] = {}
        self._rows: list[SpanRow] = []
        self._waited: set[int] = set()

    def add(self, spans: Iterable[Span], form: Callable[[Hashable], Form]) -> None:
        """Add spans. ``form`` decodes their shapes: each reader has its own form of a shape."""
        shapes: dict[Hashable, _SharedFacts] = {}
        traces, add_row = self._traces, self._rows.append
        for trace_id, span_id, parent, start_ns, end_ns, shape, error, times in spans:
            resource, site, identity, facts, own_span, status = shapes.get(shape) or shapes.setdefault(
                shape, self._shared_facts(form(shape))
            )
            number = (start_ns >> _TICK_BITS & _TICKS) << _CHANCE_BITS | span_id & _CHANCE or 1
            trace = traces.get(trace_id)
            if trace is None:
                trace = traces[trace_id] = _TraceTasks(len(traces), number)
            known = trace.tasks.get(identity) or self._add_task(trace, identity, start_ns, end_ns, own_span)
            task = known[1]
            if start_ns < task.start_ns:
                task.start_ns = start_ns
            if end_ns > task.end_ns:
                task.end_ns = end_ns
            releaser = 0
            if own_span is not None and own_span.releaser:
                identity = own_span.releaser, "task", own_span.releaser_name
                releaser = (trace.tasks.get(identity) or self._add_task(trace, identity, end_ns, end_ns, None))[0] + 1
            wait_ns, hold_ns, release_ns = 0, end_ns - start_ns, 0
            outcomes, left, raised = _OK, 0, 0
            if error is not None:
                outcomes, left = _FAILED, self._exception(error, facts)
            if own_span is not None:
                outcomes = own_span.outcomes
                wait_ns, hold_ns, release_ns = own_spans.phases(times, hold_ns, outcomes)
                if own_span.is_raised:
                    left, raised = 0, left
                elif outcomes >> wire.BODY_SHIFT & 3 != wire.ERROR:
                    left = 0  # the error is the HTTP status of the response
            add_row(
                (
                    number, span_id, parent or 0, trace.number, known[0], resource, site, start_ns, wait_ns, hold_ns,
                    release_ns, outcomes, left, raised, status, releaser,
                )
            )  # fmt: skip

    def _shared_facts(self, form: Form) -> _SharedFacts:
        facts = form.facts
        own_span = own_spans.read(facts)
        if own_span is None:
            used, site, thread = span_mapping.resource(form), span_mapping.site(form), span_mapping.thread(facts)
            identity = (0, "thread", thread) if thread else (0, "task", self._process.service)
        else:
            used, site = own_spans.resource(facts), own_spans.site(facts)
            identity = (own_span.task, "task", own_span.task_name)
        resource = self._resources.setdefault(used, len(self._resources))
        if own_span is not None:
            self._waited.add(resource)
        place = self._sites.setdefault(site, len(self._sites))
        return resource, place, identity, facts, own_span, span_mapping.status(facts)

    def _exception(self, error: tuple[str, str], facts: Facts) -> int:
        info = span_mapping.exception(error, facts)
        return 0 if info is None else self._exceptions.setdefault(info, len(self._exceptions) + 1)

    def _add_task(
        self, trace: _TraceTasks, identity: _TaskIdentity, start_ns: int, end_ns: int, own: own_spans.OwnSpan | None
    ) -> tuple[int, SpanTask]:
        """Add a task of a trace; answer its index too. ``own``: facts that only a task's own spans have."""
        number, kind, name = identity
        coroutine = "" if number or kind == "thread" else name
        home = (own.loop, own.thread) if own is not None else (0, "")
        task = SpanTask(number, trace.number, name, coroutine, kind, start_ns, end_ns, *home)
        trace.tasks[identity] = len(self._tasks), task
        self._tasks.append(task)
        return trace.tasks[identity]

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

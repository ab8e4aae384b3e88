"""The texts of a diagram: every message, note and fragment, as plain text.

Durations of less than 100 µs are left out where they would only say that there was no wait.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from tenure_server.model.diagram_input import OpenCounts
from tenure_server.model.labels import format_duration, resource_label
from tenure_server.model.records import Canceller, ExceptionInfo, Lifecycle, Outcome, Site, Task

# How a wait that holds nothing ends, by the call of another task that ends it: of a condition, of a barrier.
WAIT_ENDS = {"notify": "notified", "wait": "all arrived"}
CANCELLED_MARK = "⊘ "
MAX_MESSAGE_LENGTH = 72  # characters of an exception's message
MAX_NAME_LENGTH = 80  # characters of a participant's label
MIN_SHOWN_NS = 100_000

_WITH_ARTICLE = "end of ", "event loop"  # causes of a cancellation that are no names

_ORDINAL = re.compile(r"-\d+$")
# The end of a group's message: its number of exceptions and, from a tracer that says it, what they are.
_SUB_EXCEPTIONS = re.compile(r"\((\d+) sub-exceptions?\)(?:: (.+))?$", re.DOTALL)
_ADDRESS = re.compile(r" (?:object )?at 0x[0-9A-Fa-f]+")  # in a repr; another one in each run


def resource(kind: str, name: str, capacity: int | None) -> str:
    return shortened(resource_label(kind, name, capacity), MAX_NAME_LENGTH) or "resource"


def task(name: str) -> str:
    return shortened(name, MAX_NAME_LENGTH) or "task"


def coroutine(record: Task) -> str:
    """The common name of all tasks of one coroutine: its name without the functions around its definition."""
    return shortened(record.coroutine.rpartition("<locals>.")[2] or record.name, MAX_NAME_LENGTH) or "task"


def common_name(records: Sequence[Task]) -> str:
    """The common name of equal tasks: "worker" for worker-1 and worker-2, else the name of their coroutine."""
    stems = {_ORDINAL.sub("", record.name) for record in records}
    return task(stems.pop()) if len(stems) == 1 else coroutine(records[0])


@lru_cache(maxsize=4096)
def shortened(text: str, longest: int) -> str:
    """The text in one line of at most ``longest`` characters."""
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def without_middle(text: str, longest: int) -> str:
    """The text in one line; a longer one by its start and its end: the point of a message may stand at either."""
    text = " ".join(text.split())
    end = longest * 3 // 5
    return text if len(text) <= longest else f"{text[: longest - end - 1].rstrip()}…{text[-end:].lstrip()}"


def enter_call(lifecycle: Lifecycle) -> str:
    call = shortened(lifecycle.site.enter, MAX_NAME_LENGTH)
    return call if call.endswith(")") else f"{call}()"


def exit_call(lifecycle: Lifecycle) -> str:
    mark = CANCELLED_MARK if lifecycle.body_outcome == "cancelled" else ""
    return f"{mark}{shortened(lifecycle.site.exit, MAX_NAME_LENGTH)}({_left_by(lifecycle)})"


def body(duration_ns: int) -> str:
    return f"body {format_duration(max(duration_ns, 0))}"


def acquired(wait_ns: int | None) -> str:
    return f"acquired{_after(wait_ns)}"


def acquire_failed(lifecycle: Lifecycle, duration_ns: int | None) -> str:
    by = _cancelled_by(lifecycle) if lifecycle.acquire_outcome == "error" else ""
    doing = "waiting" if lifecycle.site.exit in WAIT_ENDS else "acquiring"
    return _failed(lifecycle.acquire_outcome, lifecycle.raised, doing, duration_ns) + by


def released(lifecycle: Lifecycle, duration_ns: int | None) -> str:
    """How a release ended: normally, with the exception of the body, or with an exception of its own.

    A request ends with the status of its response: "404", "500, ValueError goes on".
    """
    if lifecycle.release_outcome in ("error", "cancelled"):
        by = _cancelled_by(lifecycle) if lifecycle.release_outcome == "error" else ""
        return _failed(lifecycle.release_outcome, lifecycle.raised, "releasing", duration_ns) + by
    if not lifecycle.site.exit:
        return _ended(lifecycle, duration_ns)
    word = WAIT_ENDS.get(lifecycle.site.exit, "released")
    text = f"{lifecycle.status or word}{_after(duration_ns)}"
    if lifecycle.suppressed:
        return f"{text}, {_left_by(lifecycle) or 'exception'} suppressed{_cancelled_by(lifecycle)}"
    if lifecycle.body_outcome == "cancelled":
        return f"{CANCELLED_MARK}{text}{_cancelled_by(lifecycle) or ', cancelled while held'}"
    if lifecycle.body_outcome == "error":
        return f"{text}, {_left_by(lifecycle)} goes on{_cancelled_by(lifecycle)}"
    return text


def _cancelled_by(lifecycle: Lifecycle) -> str:
    """Who cancelled, where that is known; also where the exit suppressed that, or something else was raised for it."""
    by = _by(lifecycle.body_exception) or _by(lifecycle.raised)
    return f", cancelled{by}" if by else ""


def _ended(span: Lifecycle, duration_ns: int | None) -> str:
    if span.body_outcome != "error":
        return f"{span.status or 'done'}{_after(duration_ns)}"
    is_named_by_status = span.body_exception is not None and span.body_exception.type == str(span.status)
    status = f"{span.status}, " if span.status and not is_named_by_status else ""  # error.type may be the status
    return f"{status}{exception(span.body_exception, with_message=duration_ns is not None)}{_after(duration_ns)}"


def finished(record: Task, duration_ns: int | None) -> str:
    """How a task ended. The message of an exception is left out in a fold (``duration_ns`` is None)."""
    if record.outcome == "cancelled":
        return f"{CANCELLED_MARK}cancelled{_by(record.exception)}{_after(duration_ns)}"
    if record.outcome == "error":
        by = _by(record.exception)
        return exception(record.exception, with_message=duration_ns is not None) + (f", cancelled{by}" if by else "")
    return f"done{_after(duration_ns)}"


def exception(info: ExceptionInfo | None, *, with_message: bool = True) -> str:
    """Type and message, "ValueError: out of stock"; for a group what is in it, "ExceptionGroup (2 ValueError)".

    Where that is not known, or no message is wanted, for a group the number of its exceptions: "ExceptionGroup (2)".
    """
    if info is None:
        return "exception"
    name = exception_name(info)
    if name.endswith("ExceptionGroup") and (sub_exceptions := _SUB_EXCEPTIONS.search(info.message)):
        count, contents = sub_exceptions.groups()
        return f"{name} ({_message(contents) if contents and with_message else count})"
    message = _message(info.message) if with_message else ""
    return f"{name}: {message}" if message else name


def _message(text: str) -> str:
    return without_middle(_ADDRESS.sub("", text), MAX_MESSAGE_LENGTH)


def exception_name(info: ExceptionInfo) -> str:
    """The type's own name: "shop.errors.OutOfStock" -> "OutOfStock"."""
    return shortened(info.type.rpartition(".")[2], MAX_MESSAGE_LENGTH) or "exception"


def holder(name: str, site: Site) -> str:
    """The holding task, and where it acquired the resource: "reserve-1 (stock.py:41)"."""
    place = _file_and_line(site)
    return f"{task(name)} ({place})" if place else task(name)


def canceller(record: Canceller) -> str:
    """Who cancelled, and where: "by worker-3 at orders.py:41", "by timeout 0.5 s at orders.py:7".

    If a task group cancelled because a task failed, that task and the place of its failure: "by TaskGroup: pay-1 failed
    at pay.py:12".
    """
    task_name = task(record.task.name) if record.task is not None else ""
    via = shortened(record.via, MAX_NAME_LENGTH)
    article = "the " if via.startswith(_WITH_ARTICLE) else ""
    by = f"by {article}{via or task_name or 'a call'}{f': {task_name} failed' if via and task_name else ''}"
    place = _file_and_line(record.site)
    return f"{by} at {place}" if place else by


def _file_and_line(site: Site | None) -> str:
    file = "" if site is None else re.split(r"[/\\]", site.file)[-1]
    return f"{shortened(file, MAX_MESSAGE_LENGTH)}:{site.line}" if site is not None and file else ""


def _by(info: ExceptionInfo | None) -> str:
    """Who cancelled, where that is known."""
    return "" if info is None or info.canceller is None else f" {canceller(info.canceller)}"


def cause(first: str, more_holders: int, acquiring: str = "", ahead: int = 0) -> str:
    """The holders that a wait is for, and the queue before it: "reserve-1 (stock.py:41) and 1 more, 2 ahead"."""
    more = f" and {more_holders} more" if more_holders else ""
    queue = f", {ahead} ahead" if ahead else ""
    return f"{first}{more}{acquiring}{queue}"


def acquiring_first(acquiring: int, users: int, is_pool: bool, goes_on: bool) -> str:
    """For a wait that began while places were still being acquired: ", still connecting", ", 2 connecting at first"."""
    if acquiring == 0:
        return ""
    count = "" if acquiring == users else f"{acquiring} "
    verb = "connecting" if is_pool else "acquiring"
    return f", {count}still {verb}" if goes_on else f", {count}{verb} at first"


def waits_for(cause_text: str, wait_ns: int | None, end_text: str = "") -> str:
    if wait_ns is None:
        return f"waits for {cause_text}"
    separator = ", " if cause_text.endswith((" ahead", "ing at first", " connecting", " acquiring")) else " "
    return f"waits for {cause_text}{separator}{format_duration(max(wait_ns, 0))}{end_text}"


def until_released(name: str) -> str:
    """Whose release ended a wait for several holders."""
    return f", until {task(name)} released"


def waits_in_fold(waiting: int, total: int, cause_text: str | None, waits_ns: Sequence[int]) -> str:
    """The waits in a fold: "2 of 3 wait for worker-1 (stock.py:41), p50 5.4 ms"."""
    reason = f" for {cause_text}" if cause_text else ""
    verb = "waits" if waiting == 1 else "wait"
    return f"{waiting} of {total} {verb}{reason}, p50 {format_duration(percentile(waits_ns, 50))}"


def ticking(lead: str, since_ns: int, now_ns: int) -> str:
    """A state that has not ended: "still held, 32 s"."""
    return f"{lead}, {format_duration(max(now_ns - since_ns, 0))}"


def still(lifecycle: Lifecycle, cause_now: str | None) -> tuple[str, int]:
    """The current state of an open lifecycle, and since when."""
    if lifecycle.acquired_ns is None:
        return f"still waiting{f' for {cause_now}' if cause_now else ''}", lifecycle.acquire_ns
    if lifecycle.release_ns is None:
        return "still held", lifecycle.acquired_ns
    return "still releasing", lifecycle.release_ns


def open_share(counts: OpenCounts) -> str:
    """For a diagram that does not draw all that is open: "251 of 823 open lifecycles are drawn"."""
    return f"{counts.drawn:,} of {counts.held + counts.waiting:,} open lifecycles are drawn"


def abandoned(lifecycle: Lifecycle) -> str:
    state = "was being released" if lifecycle.release_ns else "was held" if lifecycle.acquired_ns else "waited"
    return f"abandoned: the process ended while it {state}"


def loop(times: int, waits_ns: Sequence[int], holds_ns: Sequence[int]) -> str:
    """The label of a loop of one use: "120 times (wait p50 0.1 ms, hold p50 3.0 ms, p95 9.0 ms)"."""
    if not holds_ns:
        return f"{times} times (fails after {_spread(waits_ns)})"
    wait_ns = percentile(waits_ns, 50)
    wait = f"wait p50 {format_duration(wait_ns)}, " if wait_ns >= MIN_SHOWN_NS else ""
    return f"{times} times ({wait}hold {_spread(holds_ns)})"


def loop_of_several(times: int, durations_ns: Sequence[int]) -> str:
    """The label of a loop of several uses in turn: how long one repetition takes."""
    return f"{times} times (each {_spread(durations_ns)})"


def par(count: int, name: str, durations_ns: Sequence[int]) -> str:
    return f"{count} x {name} (each {_spread(durations_ns)})"


def percentile(values: Sequence[int], percent: int) -> int:
    """The smallest value that is not less than ``percent`` percent of the values. ``values`` may not be empty."""
    ordered = sorted(values)
    return ordered[max(-(-len(ordered) * percent // 100) - 1, 0)]


def _spread(values: Sequence[int]) -> str:
    return f"p50 {format_duration(percentile(values, 50))}, p95 {format_duration(percentile(values, 95))}"


def _after(duration_ns: int | None) -> str:
    if duration_ns is None or duration_ns < MIN_SHOWN_NS:
        return ""
    return f" after {format_duration(duration_ns)}"


def _failed(outcome: Outcome | None, raised: ExceptionInfo | None, phase: str, duration_ns: int | None) -> str:
    if outcome == "cancelled":
        return f"{CANCELLED_MARK}cancelled{_by(raised)} while {phase}{_after(duration_ns)}"
    return f"{exception(raised, with_message=duration_ns is not None)}{_after(duration_ns)}"


def _left_by(lifecycle: Lifecycle) -> str:
    """The type of the exception that left the body; "" where there was none."""
    if lifecycle.body_exception is not None:
        return exception_name(lifecycle.body_exception)
    return {"error": "exception", "cancelled": "CancelledError"}.get(lifecycle.body_outcome or "", "")

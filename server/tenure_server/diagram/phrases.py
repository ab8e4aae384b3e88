"""What the diagram says: every text of a message, a note or a fragment, as plain text.

Durations of less than 100 µs are left out where they would only tell that nothing had to be waited for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from tenure_server.model.labels import format_duration, resource_label
from tenure_server.model.records import Canceller, ExceptionInfo, Lifecycle, Outcome, Site, Task

CANCELLED_MARK = "⊘ "
LONGEST_MESSAGE = 60  # characters of an exception's message
LONGEST_NAME = 80  # characters of a participant's label
WORTH_TELLING_NS = 100_000

_ORDINAL = re.compile(r"-\d+$")
_SUB_EXCEPTIONS = re.compile(r"\((\d+) sub-exceptions?\)$")


def resource(kind: str, name: str, capacity: int | None) -> str:
    return shortened(resource_label(kind, name, capacity), LONGEST_NAME) or "resource"


def task(name: str) -> str:
    return shortened(name, LONGEST_NAME) or "task"


def coroutine(record: Task) -> str:
    """What all tasks of one coroutine are called: its name without the functions that it was made in."""
    return shortened(record.coroutine.rpartition("<locals>.")[2] or record.name, LONGEST_NAME) or "task"


def crowd(records: Sequence[Task]) -> str:
    """What equal tasks are called together: "worker" for worker-1 and worker-2, else what their coroutine is."""
    stems = {_ORDINAL.sub("", record.name) for record in records}
    return task(stems.pop()) if len(stems) == 1 else coroutine(records[0])


@lru_cache(maxsize=4096)
def shortened(text: str, longest: int) -> str:
    """In one line, and no longer than ``longest`` characters."""
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def enter_call(lifecycle: Lifecycle) -> str:
    return f"{shortened(lifecycle.site.enter, LONGEST_NAME)}()"


def exit_call(lifecycle: Lifecycle) -> str:
    mark = CANCELLED_MARK if lifecycle.body_outcome == "cancelled" else ""
    return f"{mark}{shortened(lifecycle.site.exit, LONGEST_NAME)}({_left_by(lifecycle)})"


def body(duration_ns: int) -> str:
    return f"body {format_duration(max(duration_ns, 0))}"


def acquired(wait_ns: int | None) -> str:
    return f"acquired{_after(wait_ns)}"


def acquire_failed(lifecycle: Lifecycle, duration_ns: int | None) -> str:
    return _failed(lifecycle.acquire_outcome, lifecycle.raised, "acquiring", duration_ns)


def released(lifecycle: Lifecycle, duration_ns: int | None) -> str:
    """How a release that has ended ended: by itself, with the body's exception going on, or with one of its own."""
    if lifecycle.release_outcome in ("error", "cancelled"):
        return _failed(lifecycle.release_outcome, lifecycle.raised, "releasing", duration_ns)
    if not lifecycle.site.exit:
        return _ended(lifecycle, duration_ns)
    text = f"released{_after(duration_ns)}"
    if lifecycle.suppressed:
        return f"{text}, {_left_by(lifecycle) or 'exception'} suppressed"
    if lifecycle.body_outcome == "cancelled":
        return f"{CANCELLED_MARK}{text}, cancelled{_by(lifecycle.body_exception, duration_ns) or ' while held'}"
    if lifecycle.body_outcome == "error":
        return f"{text}, {_left_by(lifecycle)} goes on"
    return text


def _ended(span: Lifecycle, duration_ns: int | None) -> str:
    if span.body_outcome != "error":
        return f"done{_after(duration_ns)}"
    return f"{exception(span.body_exception, with_message=duration_ns is not None)}{_after(duration_ns)}"


def finished(record: Task, duration_ns: int | None) -> str:
    """How a task ended. A failure says why; in a fold (``duration_ns`` is None) only the kind of failure is shared."""
    if record.outcome == "cancelled":
        return f"{CANCELLED_MARK}cancelled{_by(record.exception, duration_ns)}{_after(duration_ns)}"
    if record.outcome == "error":
        return exception(record.exception, with_message=duration_ns is not None)
    return f"done{_after(duration_ns)}"


def exception(info: ExceptionInfo | None, *, with_message: bool = True) -> str:
    """Type and message, "ValueError: out of stock"; of a group how many it holds: "ExceptionGroup (2)"."""
    if info is None:
        return "exception"
    name = exception_name(info)
    if name.endswith("ExceptionGroup") and (found := _SUB_EXCEPTIONS.search(info.message)):
        return f"{name} ({found[1]})"
    message = shortened(info.message, LONGEST_MESSAGE) if with_message else ""
    return f"{name}: {message}" if message else name


def exception_name(info: ExceptionInfo) -> str:
    """The type's own name: "shop.errors.OutOfStock" -> "OutOfStock"."""
    return shortened(info.type.rpartition(".")[2], LONGEST_MESSAGE) or "exception"


def holder(name: str, site: Site) -> str:
    """Who, and where that task took what it holds: "reserve-1 (stock.py:41)"."""
    return f"{task(name)}{_place(site)}"


def canceller(record: Canceller) -> str:
    """Who cancelled, and where: "by worker-3 (orders.py:41)", "by timeout 0.5 s (orders.py:7)".

    A task group did as one of its tasks failed, and that was there: "as pay-1 failed (pay.py:12)".
    """
    who = task(record.task.name) if record.task is not None else ""
    via = shortened(record.via, LONGEST_NAME)
    by = f"as {who} failed" if via and who else f"by {via or who or 'a call'}"
    return f"{by}{_place(record.site)}"


def _place(site: Site | None) -> str:
    file = "" if site is None else re.split(r"[/\\]", site.file)[-1]
    return f" ({shortened(file, LONGEST_MESSAGE)}:{site.line})" if site is not None and file else ""


def _by(info: ExceptionInfo | None, duration_ns: int | None) -> str:
    """Who cancelled, where that is known; not in a fold, whose repetitions may have been cancelled by several."""
    if info is None or info.canceller is None or duration_ns is None:
        return ""
    return f" {canceller(info.canceller)}"


def cause(first: str, more_holders: int, ahead: int) -> str:
    """Whom a wait is for, and how many came before: "reserve-1 (stock.py:41) and 1 more, 2 ahead"."""
    more = f" and {more_holders} more" if more_holders else ""
    queue = f", {ahead} ahead" if ahead else ""
    return f"{first}{more}{queue}"


def waits_for(whom: str, wait_ns: int | None) -> str:
    if wait_ns is None:
        return f"waits for {whom}"
    separator = ", " if whom.endswith(" ahead") else " "
    return f"waits for {whom}{separator}{format_duration(max(wait_ns, 0))}"


def some_wait(waiting: int, of: int, whom: str | None, waits_ns: Sequence[int]) -> str:
    """Of the repetitions in a fold: "2 of 3 wait for worker-1 (stock.py:41), p50 5.4 ms"."""
    reason = f" for {whom}" if whom else ""
    verb = "waits" if waiting == 1 else "wait"
    return f"{waiting} of {of} {verb}{reason}, p50 {format_duration(percentile(waits_ns, 50))}"


def ticking(lead: str, since_ns: int, now_ns: int) -> str:
    """A state that goes on: "still held, 32 s"."""
    return f"{lead}, {format_duration(max(now_ns - since_ns, 0))}"


def still(lifecycle: Lifecycle, cause_now: str | None) -> tuple[str, int]:
    """What an open lifecycle is still doing, and since when."""
    if lifecycle.acquired_ns is None:
        return f"still waiting{f' for {cause_now}' if cause_now else ''}", lifecycle.acquire_ns
    if lifecycle.release_ns is None:
        return "still held", lifecycle.acquired_ns
    return "still releasing", lifecycle.release_ns


def abandoned(lifecycle: Lifecycle) -> str:
    state = "was being released" if lifecycle.release_ns else "was held" if lifecycle.acquired_ns else "waited"
    return f"abandoned: the process ended while it {state}"


def loop(times: int, waits_ns: Sequence[int], holds_ns: Sequence[int]) -> str:
    """Of repetitions of one use: "120 times (wait p50 0.1 ms, hold p50 3.0 ms, p95 9.0 ms)"."""
    if not holds_ns:
        return f"{times} times (fails after {_spread(waits_ns)})"
    wait_ns = percentile(waits_ns, 50)
    wait = f"wait p50 {format_duration(wait_ns)}, " if wait_ns >= WORTH_TELLING_NS else ""
    return f"{times} times ({wait}hold {_spread(holds_ns)})"


def loop_of_several(times: int, durations_ns: Sequence[int]) -> str:
    """Of repetitions of several uses in turn: how long one repetition takes."""
    return f"{times} times (each {_spread(durations_ns)})"


def par(count: int, name: str, durations_ns: Sequence[int]) -> str:
    return f"{count} x {name} (each {_spread(durations_ns)})"


def percentile(values: Sequence[int], percent: int) -> int:
    """The smallest value that at least ``percent`` of the values, of which there must be one, do not pass."""
    ordered = sorted(values)
    return ordered[max(-(-len(ordered) * percent // 100) - 1, 0)]


def _spread(values: Sequence[int]) -> str:
    return f"p50 {format_duration(percentile(values, 50))}, p95 {format_duration(percentile(values, 95))}"


def _after(duration_ns: int | None) -> str:
    if duration_ns is None or duration_ns < WORTH_TELLING_NS:
        return ""
    return f" after {format_duration(duration_ns)}"


def _failed(outcome: Outcome | None, raised: ExceptionInfo | None, phase: str, duration_ns: int | None) -> str:
    if outcome == "cancelled":
        return f"{CANCELLED_MARK}cancelled{_by(raised, duration_ns)} while {phase}{_after(duration_ns)}"
    return f"{exception(raised, with_message=duration_ns is not None)}{_after(duration_ns)}"


def _left_by(lifecycle: Lifecycle) -> str:
    """The type of what left the body, "" where nothing did."""
    if lifecycle.body_exception is not None:
        return exception_name(lifecycle.body_exception)
    return {"error": "exception", "cancelled": "CancelledError"}.get(lifecycle.body_outcome or "", "")

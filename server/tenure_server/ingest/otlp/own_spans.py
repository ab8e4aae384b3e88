"""Makes lifecycles of Tenure's own spans again: the table of ``tenure.semconv`` in the other direction.

They come from a program that exports by OpenTelemetry's SDK, or from another collector. Facts that a span does not have
stay unknown: the creator of a task, and a second exception beside that of the status.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple

from tenure import semconv, wire
from tenure_server.ingest.otlp.sanitize import expression, integer, text
from tenure_server.ingest.otlp.spans import Facts

_OUTCOMES = {"ok": wire.OK, "error": wire.ERROR, "cancelled": wire.CANCELLED}
_MAX_CAPACITY = _MAX_LOOP = (1 << 31) - 1
_NS = 1e9  # of a second

_public_id = re.compile(r"[0-9a-f]{32}-[0-9]{1,13}", re.ASCII).fullmatch

Times = tuple[float, float, float]  # wait, hold and release in s, negative where one is not told


class OwnSpan(NamedTuple):
    """What all spans of one shape share, as lifecycles."""

    outcomes: int  # as in wire.Row
    is_raised: bool  # the acquire or the release raised the exception of the status; False: it left the body
    task: int  # its number
    task_name: str
    loop: int
    thread: str
    releaser: int  # the number of the task that released; 0: it is ``task``
    releaser_name: str


def read(facts: Facts) -> OwnSpan | None:
    """None: the span is not one of Tenure's own, or it is of an abandoned lifecycle, which has no end."""
    task = _number(facts, semconv.TASK_ID)
    if not task or not _number(facts, semconv.RESOURCE_ID) or facts.get(semconv.PHASE) != "closed":
        return None
    acquire, body, release = (
        _OUTCOMES.get(text(facts, key), 0)
        for key in (semconv.ACQUIRE_OUTCOME, semconv.BODY_OUTCOME, semconv.RELEASE_OUTCOME)
    )
    suppressed = wire.SUPPRESSED if facts.get(semconv.SUPPRESSED) is True else 0
    return OwnSpan(
        acquire | body << wire.BODY_SHIFT | release << wire.RELEASE_SHIFT | suppressed,
        wire.ERROR in {acquire, release},
        task,
        text(facts, semconv.TASK_NAME),
        integer(facts, semconv.TASK_LOOP, _MAX_LOOP) or 0,
        text(facts, semconv.THREAD_NAME),
        _number(facts, semconv.RELEASED_BY_ID),
        text(facts, semconv.RELEASED_BY_NAME),
    )


def resource(facts: Facts) -> wire.Resource:
    return wire.Resource(
        _number(facts, semconv.RESOURCE_ID),
        text(facts, semconv.RESOURCE_KIND),
        text(facts, semconv.RESOURCE_NAME),
        integer(facts, semconv.RESOURCE_CAPACITY, _MAX_CAPACITY),
        text(facts, semconv.RESOURCE_STEREOTYPE) or "participant",
    )


def site(facts: Facts) -> wire.Site:
    return wire.Site(
        file=text(facts, semconv.FILE_PATH),
        line=integer(facts, semconv.LINE_NUMBER, (1 << 31) - 1) or 0,
        function=text(facts, semconv.FUNCTION_NAME),
        expression=expression(facts, semconv.SITE_EXPRESSION),
        enter=text(facts, semconv.SITE_ENTER) or "__aenter__",
        exit=text(facts, semconv.SITE_EXIT) or "__aexit__",
    )


def phases(times: Times | None, whole_ns: int, outcomes: int) -> tuple[int, int, int]:
    """The durations of wait, hold and release, as in wire.Row; ``whole_ns`` is the duration of the span.

    Invalid times, and times longer than the whole, are ignored: then the hold lasts from start to end. A failed acquire
    has no times: all of it is the release.
    """
    if times is None and outcomes & 3 != wire.OK:
        return -1, -1, whole_ns
    if times is not None and all(0 <= time <= whole_ns for time in times):  # False for infinity and NaN
        wait_ns, hold_ns = round(times[0] * _NS), round(times[1] * _NS)
        if wait_ns + hold_ns <= whole_ns:
            return wait_ns, hold_ns, whole_ns - wait_ns - hold_ns
    return 0, whole_ns, 0


def _number(facts: Facts, name: str) -> int:
    """A number for a ``wire.public_id``; 0 if the attribute is not one.

    It is a hash of the id: without an instance id, several tracers, which all count from 1, are one process here.
    """
    value = facts.get(name)
    return _number_for(value) if isinstance(value, str) and _public_id(value) else 0


@lru_cache(maxsize=4_096)
def _number_for(public_id: str) -> int:
    return int.from_bytes(blake2b(public_id.encode(), digest_size=5).digest(), "big") or 1

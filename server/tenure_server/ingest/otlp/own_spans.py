"""Tenure's own spans, which are the lifecycles they were again: the table of ``tenure.semconv``, read backwards.

They come from a program that exports by OpenTelemetry's SDK, or from another collector. What a span does not tell is
not made up: who created a task, and what left the body beside what the status tells of.
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
_MAX_CAPACITY = (1 << 31) - 1
_NS = 1e9  # of a second

_public_id = re.compile(r"[0-9a-f]{32}-[0-9]{1,13}", re.ASCII).fullmatch

Times = tuple[float, float, float]  # wait, hold and release in s, negative where one is not told


class Own(NamedTuple):
    """What the spans of one shape have in common as lifecycles."""

    outcomes: int  # as in wire.Row
    is_raised: bool  # acquire or release raised what the status tells of; else it left the body
    task: int  # a number for it
    task_name: str


def read(facts: Facts) -> Own | None:
    """None for a span of anybody else's, and for an abandoned lifecycle, which has no end to be told of."""
    task = _number(facts, semconv.TASK_ID)
    if not task or not _number(facts, semconv.RESOURCE_ID) or facts.get(semconv.PHASE) != "closed":
        return None
    acquire, body, release = (
        _OUTCOMES.get(text(facts, key), 0)
        for key in (semconv.ACQUIRE_OUTCOME, semconv.BODY_OUTCOME, semconv.RELEASE_OUTCOME)
    )
    suppressed = wire.SUPPRESSED if facts.get(semconv.SUPPRESSED) is True else 0
    return Own(
        acquire | body << wire.BODY_SHIFT | release << wire.RELEASE_SHIFT | suppressed,
        wire.ERROR in {acquire, release},
        task,
        text(facts, semconv.TASK_NAME),
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
    """How long it waited, was held and was given back, as in wire.Row; ``whole_ns`` is from its begin to its end.

    Times that are none, or more than the whole, are not believed: then it was held throughout, unless its acquire
    failed, of which no times are told.
    """
    if times is None and outcomes & 3 != wire.OK:
        return -1, -1, whole_ns
    if times is not None and all(0 <= time <= whole_ns for time in times):  # none is infinite, or no number
        wait_ns, hold_ns = round(times[0] * _NS), round(times[1] * _NS)
        if wait_ns + hold_ns <= whole_ns:
            return wait_ns, hold_ns, whole_ns - wait_ns - hold_ns
    return 0, whole_ns, 0


def _number(facts: Facts, name: str) -> int:
    """A number for what a ``wire.public_id`` names; 0 where this is none.

    It is not the number there: a Resource that tells of no instance is one process, whose tracers each count from 1.
    """
    value = facts.get(name)
    return _number_for(value) if isinstance(value, str) and _public_id(value) else 0


@lru_cache(maxsize=4_096)
def _number_for(public_id: str) -> int:
    return int.from_bytes(blake2b(public_id.encode(), digest_size=5).digest(), "big") or 1

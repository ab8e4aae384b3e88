"""Two runs of one suite compared test by test, by id and outcome, never by counts."""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from tests.qualification.transparency.suite_run import Run

MISSING = "was not run"


class Excepted(NamedTuple):
    """A test, by a pattern of ids, that may have another outcome when it is recorded, and why."""

    test: str
    reason: str


_STAMPS_ARE_LINES = (
    "compares every event of a trace function: the stamps are code on the statement's own line, which is visited once "
    "more for them, and what they call is Python where the Python probe serves or the native one meets something new"
)
_JUMP_OVER_STATEMENT = (
    "a debugger's jump (frame.f_lineno = n) over a function's first statement jumps over the question for its task "
    "too, which is asked on that line and which the next statement needs"
)
_PATCH_IN_THE_CHAIN = (
    "compares the chain of awaits of a task that waits in TaskGroup.__aexit__: where the Python probe serves, a "
    "coroutine of Tenure stands there before the original, under the same name"
)

EXCEPTIONS = (
    Excepted("test.test_sys_settrace.*.test_early_exit_with", _STAMPS_ARE_LINES),
    Excepted("test.test_sys_settrace.*.test_if_false_in_with", _STAMPS_ARE_LINES),
    Excepted("test.test_sys_settrace.*.test_tracing_exception_raised_in_with", _STAMPS_ARE_LINES),
    Excepted("test.test_sys_settrace.JumpTestCase.test_jump_across_with", _JUMP_OVER_STATEMENT),
    Excepted("test.test_sys_settrace.JumpTestCase.test_jump_across_async_with", _JUMP_OVER_STATEMENT),
    Excepted("test.test_asyncio.test_graph.TestCallStack*.test_stack_tgroup", _PATCH_IN_THE_CHAIN),
)


class Difference(NamedTuple):
    """A test that had another outcome when it was recorded."""

    test: str
    plain: str
    recorded: str

    @property
    def reason(self) -> str:
        """Why it is an exception; "" where it is none."""
        return next((known.reason for known in EXCEPTIONS if fnmatch.fnmatchcase(self.test, known.test)), "")


class Wobble(NamedTuple):
    """A difference that recording does not cause: unrecorded, the test had that outcome in ``times`` of ``runs``."""

    difference: Difference
    times: int
    runs: int


def differences(plain: Run, recorded: Run) -> list[Difference]:
    """The tests of either run that differ, in the order of the plain run."""
    tests = dict.fromkeys([*plain.outcomes, *recorded.outcomes])
    pairs = ((test, plain.outcomes.get(test, MISSING), recorded.outcomes.get(test, MISSING)) for test in tests)
    return [Difference(*pair) for pair in pairs if pair[1] != pair[2]]


def steady(candidates: list[Difference], alone: Callable[[str], Counter[str]]) -> tuple[list[Difference], list[Wobble]]:
    """Divide into those that are excepted or that recording causes, and those that a test also shows unrecorded.

    ``alone(test)`` runs one test unrecorded, many times on a busy machine, and counts its outcomes. A second recorded
    run that passes proves nothing, so it is not tried.
    """
    remaining, wobbles = [], []
    for difference in candidates:
        outcomes = Counter[str]() if difference.reason else alone(difference.test)
        if outcomes[difference.recorded]:
            wobbles.append(Wobble(difference, outcomes[difference.recorded], outcomes.total()))
        else:
            remaining.append(difference)
    return remaining, wobbles

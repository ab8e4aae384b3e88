"""unittest: each test is a root lifecycle, "TestCase.test_name", with its outcome. Under pytest that is pytest's.

``TestCase.run`` has no wrapper, because the warnings that it gives point at its caller. A test begins with its setup
and ends with its cleanups; one that is skipped before its setup is not recorded.
"""

from __future__ import annotations

import sys
from types import CodeType, FrameType, ModuleType
from typing import NamedTuple

from tenure._core.object_access import attribute, exact, of_class, qualified_name
from tenure._core.wrapping import Method
from tenure._patching import class_patches
from tenure._patching.bodies import immediate
from tenure.adapters._kit import handler_sites, running_tests, work_units
from tenure.adapters._kit.running_tests import Test, TestFailed

_BEGINNING, _ENDING = "noting the begin of a test", "noting the end of a test"  # said where they fail
_FAILING = "noting the failure of a test"


class _Run(NamedTuple):
    test: Test
    case: object
    failures: int  # errors and failures that the result had before the test


def install(case: ModuleType) -> None:
    """Patch TestCase, its async form, and the function that adds an error to a result."""
    work_units.register()
    kind, add = case.TestCase, case._addError  # noqa: SLF001  # results are of the program's classes
    set_up = kind._callSetUp  # noqa: SLF001  # there is no public entry
    class_patches.replace(case, "_addError", immediate.function(add, _FAILING, before=_note_error))
    class_patches.replace(kind, "_callSetUp", beginning(set_up))
    class_patches.replace(kind, "doCleanups", _ending(kind.doCleanups, kind.run.__code__))


def beginning(original: Method) -> Method:
    """In the place of ``_callSetUp``, which a test calls first."""
    return immediate.enter(original, _BEGINNING, before=_begin)


def _ending(original: Method, run: CodeType) -> Method:
    """In the place of ``doCleanups``, which ends a test if ``run`` calls it, and not if the test itself does."""

    def before(case: object, _: object, __: object) -> object:
        frame: FrameType | None = sys._getframe(1).f_back  # noqa: SLF001  # there is no other way to the caller
        while frame is not None and frame.f_code.co_name == original.__name__:  # of a subclass
            frame = frame.f_back
        test = running_tests.current()
        state = test.state if test is not None else None
        is_own = isinstance(state, _Run) and state.case is case
        return state if is_own and frame is not None and frame.f_code is run else None

    return immediate.method(original, _ENDING, before=before, after=_ended, failed=_stopped)


def _begin(case: object) -> None:
    if running_tests.current() is not None:
        return
    method = exact(attribute(case, "_testMethodName"))
    site = handler_sites.of_callable(of_class(type(case), method))
    test = running_tests.begin("unittest.TestCase", f"{qualified_name(type(case))}.{method}", site)
    if test is not None:
        test.state = _Run(test, case, _failures(case))


def _failures(case: object) -> int:
    """How many errors and failures the result of a test has."""
    result = attribute(attribute(case, "_outcome"), "result")
    lists = attribute(result, "errors"), attribute(result, "failures")
    return sum(len(reports) for reports in lists if type(reports) is list)


def _ended(run: _Run, _: object) -> None:
    if _failures(run.case) > run.failures or _is_unexpected_success(run.case):
        run.test.leave(TestFailed("a subtest failed, or the test succeeded unexpectedly"))  # unless it had an error
    run.test.end(None)


def _is_unexpected_success(case: object) -> bool:
    outcome = attribute(case, "_outcome")
    method = of_class(type(case), exact(attribute(case, "_testMethodName")))
    is_expected = any(attribute(owner, "__unittest_expecting_failure__") is True for owner in (case, method))
    return is_expected and attribute(outcome, "success") is True and attribute(outcome, "expectedFailure") is None


def _stopped(run: _Run, error: BaseException) -> None:
    run.test.end(error)


def _note_error(arguments: tuple[object, ...], _: dict[str, object]) -> None:
    test, (_result, _case, exc_info) = running_tests.current(), arguments
    error = work_units.exception_of(exc_info[1] if type(exc_info) is tuple and len(exc_info) == 3 else None)
    if test is not None and error is not None:
        test.leave(error)

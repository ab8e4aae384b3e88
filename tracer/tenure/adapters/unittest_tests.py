"""unittest: each test is a root lifecycle, "TestCase.test_name", with its outcome. Under pytest that is pytest's."""

from __future__ import annotations

from types import ModuleType

from tenure._core.object_access import attribute, exact, of_class, qualified_name
from tenure._patching import class_patches
from tenure._patching.bodies import immediate
from tenure.adapters._kit import handler_sites, running_tests, works
from tenure.adapters._kit.running_tests import Test, TestFailed

_RUNNING, _FAILING = "recording a test", "noting the failure of a test"  # said where they fail


def install(case: ModuleType) -> None:
    """Patch TestCase, and the function that adds an error to a result."""
    works.know()
    add = case._addError  # noqa: SLF001  # results are of the program's classes
    run = immediate.method(case.TestCase.run, _RUNNING, before=_begin, after=_ended, failed=_stopped)
    class_patches.replace(case, "_addError", immediate.function(add, _FAILING, before=_note_error))
    class_patches.replace(case.TestCase, "run", run)


def _begin(test: object, arguments: tuple[object, ...], named: dict[str, object]) -> tuple[Test, object, int] | None:
    if running_tests.current() is not None:
        return None
    method = exact(attribute(test, "_testMethodName"))
    site = handler_sites.of_callable(of_class(type(test), method))
    run = running_tests.begin("unittest.TestCase", f"{qualified_name(type(test))}.{method}", site)
    result = arguments[0] if arguments else named.get("result")
    return None if run is None else (run, result, _failures(result))


def _failures(result: object) -> int:
    """How many errors and failures a result has."""
    lists = (attribute(result, "errors"), attribute(result, "failures"), attribute(result, "unexpectedSuccesses"))
    return sum(len(reports) for reports in lists if type(reports) is list)


def _ended(state: tuple[Test, object, int], _: object) -> None:
    run, result, failures = state
    if _failures(result) > failures:
        run.leave(TestFailed("a subtest failed, or the test succeeded unexpectedly"))  # unless its error was noted
    run.end(None)


def _stopped(state: tuple[Test, object, int], error: BaseException) -> None:
    state[0].end(error)


def _note_error(arguments: tuple[object, ...], _: dict[str, object]) -> None:
    test, (_result, _case, exc_info) = running_tests.current(), arguments
    error = exc_info[1] if type(exc_info) is tuple and len(exc_info) == 3 else None
    if test is not None and issubclass(type(error), BaseException):
        test.leave(error)

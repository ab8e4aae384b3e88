"""pytest: each test is a root lifecycle, named by its node id without the directories, with its outcome.

Setting up and the call are its hold, tearing down is its release. An expected failure and a skip are ordinary ends.
pytest calls these functions by their names in its module, also from plugins that run a test again.
"""

from __future__ import annotations

from types import ModuleType

from tenure._core.object_access import attribute, exact, library_attribute
from tenure._identify import libraries
from tenure._identify.sites import Site
from tenure._patching import class_patches
from tenure._patching.bodies import immediate
from tenure.adapters._kit import handler_sites, running_tests, work_units
from tenure.adapters._kit.running_tests import Test, TestFailed

_RUNNING, _REPORTING = "recording a test", "reading the outcome of a test"  # said where they fail


def install(runner: ModuleType) -> None:
    """Patch pytest's runner."""
    work_units.register()
    libraries.know("pytest_asyncio")
    run = immediate.function(runner.runtestprotocol, _RUNNING, before=_begin, after=_ended, failed=Test.end)
    check = immediate.function(runner.check_interactive_exception, _REPORTING, before=_note_report)
    class_patches.replace(runner, "runtestprotocol", run)
    class_patches.replace(runner, "check_interactive_exception", check)


def _begin(arguments: tuple[object, ...], named: dict[str, object]) -> Test | None:
    item = arguments[0] if arguments else named.get("item")
    file, colons, test = exact(library_attribute(item, "nodeid", "_pytest")).partition("::")
    function = exact(attribute(item, "originalname")) or test.partition("[")[0].rpartition("::")[2]
    site = Site.of(handler_sites.of_callable(attribute(item, "_obj")))._replace(expression=function)
    return running_tests.begin("pytest.Test", f"{file.rpartition('/')[2]}{colons}{test}", site.key())


def _ended(test: Test, *_: object) -> None:
    test.end(None)


def _note_report(arguments: tuple[object, ...], _: dict[str, object]) -> None:
    """A phase is over: setup, call or teardown."""
    test = running_tests.current()
    if test is None:
        return
    call, report = arguments
    phase, outcome = attribute(call, "when"), attribute(report, "outcome")
    if outcome == "failed":
        error = work_units.exception_of(library_attribute(attribute(call, "excinfo"), "value", "_pytest"))
        test.fail(TestFailed(f"the {phase} of the test failed") if error is None else error)
    elif phase == "call" or outcome == "skipped":
        test.leave(None)

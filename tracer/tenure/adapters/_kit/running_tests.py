"""The tests that run now, for the adapters of test runners: a test is a root lifecycle with its outcome."""

from __future__ import annotations

from tenure import _probe_api as probe
from tenure._identify import tasks, tracer
from tenure.adapters._kit import work_units
from tenure.adapters._kit.work_units import Unit


class TestFailed(Exception):
    """A test failed without an exception of its own: an unexpected success, or a failed subtest."""


class Test:
    """One run of a test: what it sets up and does is its hold, what it tears down its release."""

    def __init__(self, record: probe.Record) -> None:
        self.state: object = None  # of the adapter, until the test ends
        self._record = record
        self._is_left = False
        self._teardown_error: BaseException | None = None

    def leave(self, error: BaseException | None) -> None:
        """It is done, or failed with this exception, and is torn down from now on; the first call counts."""
        if not self._is_left:
            self._is_left = True
            probe.leaving(self._record, error)

    def fail(self, error: BaseException) -> None:
        """It failed with this exception, also in its teardown."""
        if self._is_left:
            self._teardown_error = error
        self.leave(error)

    def end(self, error: BaseException | None) -> None:
        """It is over; ``error`` is the exception that stops the whole run, or None."""
        tests = tracer.current.of(_Tests).running
        if self in tests:
            del tests[tests.index(self) :]
        tasks.end_unit()
        self.state = None
        self.leave(error)
        if self._teardown_error is not None:
            probe.failed(self._record, self._teardown_error)
            self._teardown_error = None
        else:
            probe.released(self._record, False)


class _Tests:
    """The tests that run, the outermost first: a test of a test runner runs tests itself."""

    def __init__(self) -> None:
        self.running: list[Test] = []


def current() -> Test | None:
    """The innermost test that runs."""
    tests = tracer.current.of(_Tests).running
    return tests[-1] if tests else None


def begin(kind: str, name: str, site: str) -> Test | None:
    """A test begins; None: nothing is recorded."""
    record = work_units.begin(Unit(kind, name, "setup", "teardown"), site, is_root=current() is None)
    if record is None:
        return None
    test = Test(record)
    tracer.current.of(_Tests).running.append(test)
    return test

"""Run the unittest modules or tests named on the command line, and report each test's outcome.

    python with_unittest.py test.test_with test.test_asyncio.test_locks.LockTests.test_repr

With $TRANSPARENCY_TIMES each is run so many times. CPython's own tests run without the resources (network, cpu,
walltime) that its runner has to be told to use.
"""

import os
import sys
import unittest

import transparency_report as report

TEST, TIMES = os.environ.get("TRANSPARENCY_TEST", ""), int(os.environ.get("TRANSPARENCY_TIMES", "1"))


class Outcomes(unittest.TestResult):
    """Tells the report; a test with several failures (subtests, its clean-up) has them all."""

    def __init__(self):
        super().__init__()
        self._running, self._bad, self._turns = None, [], {}

    def startTest(self, test):
        super().startTest(test)
        self._running, self._bad = test, []
        self._turns[test.id()] = self._turns.get(test.id(), 0) + 1
        report.report_outcome(self._identified(test), "began")

    def stopTest(self, test):
        super().stopTest(test)
        if self._running is not None:  # 3.12.1 does not start a test that is skipped, and stops it
            report.report_outcome(self._identified(test), ", ".join(self._bad) or "ok")
        self._running = None

    def addError(self, test, err):
        self._add(test, f"error {err[0].__name__}")

    def addFailure(self, test, err):
        self._add(test, "failure")

    def addSkip(self, test, reason):
        self._add(test, f"skipped: {reason}")

    def addExpectedFailure(self, test, err):
        self._add(test, "expected failure")

    def addUnexpectedSuccess(self, test):
        self._add(test, "unexpected success")

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._add(test, f"{'failure' if issubclass(err[0], test.failureException) else 'error'} of a subtest")

    def _add(self, test, outcome):
        if self._running is None:  # a class or a module could not be set up
            report.report_outcome(test.id(), outcome)
        else:
            self._bad.append(outcome)

    def _identified(self, test):
        """A turn of the test that is run many times has the test's id and a number."""
        return f"{test.id()}#{self._turns[test.id()]}" if TEST else test.id()


def main(names):
    if names[0].partition(".")[0] == "test":
        from test import support  # noqa: PLC0415  # libraries have no need of it

        support.use_resources = ()
    suite = unittest.defaultTestLoader.loadTestsFromNames(names * TIMES)
    report.look_at_modules()
    suite.run(Outcomes())
    report.report_end()


if __name__ == "__main__":
    main(sys.argv[1:])

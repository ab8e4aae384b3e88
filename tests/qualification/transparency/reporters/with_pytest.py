"""A pytest plugin (``-p with_pytest``) that reports each test's outcome.

With ``--assert=plain`` the import hook rewrites test modules; without it pytest compiles them, and they are rewritten
in its own step of compiling.

Cycles are collected between tests and at no other time, whoever runs. pytest blames what is found in them (a socket
that an earlier test left open) on the test that is running then, and when that is depends on every object that anybody
makes. What somebody keeps alive shows all the same.

With $TRANSPARENCY_TIMES the test $TRANSPARENCY_TEST alone is run, so many times.
"""

import gc
import os
import re

import transparency_report as report

TEST, TIMES = os.environ.get("TRANSPARENCY_TEST", ""), int(os.environ.get("TRANSPARENCY_TIMES", "1"))
_TURN = re.compile(r"(?P<before>-?)turn-(?P<number>[0-9]+)(?P<after>-?)")


def pytest_generate_tests(metafunc):
    if TEST:
        metafunc.fixturenames.append("transparency_turn")
        metafunc.parametrize("transparency_turn", range(TIMES), ids=[f"turn-{number}" for number in range(TIMES)])


def pytest_collection_modifyitems(items):
    if TEST:
        items[:] = [item for item in items if _identified(item.nodeid).rpartition("#")[0] == TEST]


def pytest_collection_finish():
    report.look_at_modules()
    gc.collect()
    gc.freeze()  # else each collection would look at pytest's own objects again
    gc.disable()


def pytest_runtest_teardown():
    gc.collect()


def pytest_collectreport(report):
    if report.failed:
        _report_outcome(report)


def pytest_runtest_logreport(report):
    if report.when == "call" or not report.passed:
        _report_outcome(report)


def pytest_sessionfinish():
    report.report_end()


def _report_outcome(result):
    crash = getattr(result.longrepr, "reprcrash", None)
    kind = crash.message.partition(":")[0].partition("\n")[0] if crash is not None else ""
    expected = " expectedly" if hasattr(result, "wasxfail") else ""
    when = getattr(result, "when", None) or "collect"
    report.report_outcome(_identified(result.nodeid), f"{when} {result.outcome}{expected} {kind}".rstrip())


def _identified(test):
    """A turn of the test that is run many times has the test's id and a number."""
    turn = _TURN.search(test) if TEST else None
    if turn is None:
        return test
    between = "-" if turn["before"] and turn["after"] else ""
    return f"{test[: turn.start()]}{between}{test[turn.end() :]}".replace("[]", "") + f"#{turn['number']}"

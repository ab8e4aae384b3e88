"""A pytest plugin (``-p with_pytest``) that reports each test's outcome.

pytest has to be given ``--assert=plain``: it rewrites test modules itself before any import hook sees them.
"""

import transparency_report as report


def pytest_collection_finish():
    report.look_at_modules()


def pytest_collectreport(report):
    if report.failed:
        _told(report)


def pytest_runtest_logreport(report):
    if report.when == "call" or not report.passed:
        _told(report)


def pytest_sessionfinish():
    report.ended()


def _told(result):
    crash = getattr(result.longrepr, "reprcrash", None)
    kind = crash.message.partition(":")[0].partition("\n")[0] if crash is not None else ""
    expected = " expectedly" if hasattr(result, "wasxfail") else ""
    when = getattr(result, "when", None) or "collect"
    report.told(result.nodeid, f"{when} {result.outcome}{expected} {kind}".rstrip())

"""Runs test suites of other projects as they are and recorded: each test has the same outcome.

    python -m tests.qualification.transparency [--python PATH].. [--probe python|native].. [--suite NAME]..
        [--tracer DIRECTORY]

Each row of the table is one suite on one interpreter with one probe. A test that differs is run 200 times alone and
unrecorded. If it has the recorded outcome there too, it wobbles, and the table says how often. The exit code is 1
where a test differs that neither wobbles nor is among the exceptions (``comparison.EXCEPTIONS``), where a suite did not
run to its end, and where nothing was recorded, because such a run proves nothing.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.qualification.transparency import comparison, environments, suite_run
from tests.qualification.transparency.comparison import Difference, Wobble
from tests.qualification.transparency.environments import Environment, NotPossible
from tests.qualification.transparency.suite_run import Run
from tests.qualification.transparency.suites import CPYTHON, LIBRARIES, Suite

PROBES = ("python", "native")
SUITES = {suite.name: suite for suite in (*CPYTHON, *LIBRARIES)}
ROW = "{:<10} {:<7} {:<22} {:>6} {:>7} {:>9} {:>7} {:>6} {:>11} {:>8}"
HEAD = ROW.format(
    "CPython", "probe", "suite", "tests", "differ", "excepted", "wobble", "sites", "lifecycles", "seconds"
)


def main() -> int:
    """Run the suites of the command line, and print a table."""
    options = _options()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    print(HEAD)
    bad = 0
    for interpreter in options.python or [Path(sys.executable)]:
        try:
            environment = environments.make(interpreter, options.tracer)
            probes = [probe for probe in options.probe or PROBES if environments.serves(environment, probe)]
            for missing in sorted({*(options.probe or PROBES)} - {*probes}):
                print(f"{environment.version:<10} {missing:<7} cannot be had: is there a C compiler, and Python.h?")
                bad += missing in (options.probe or ())
            for name in options.suite or SUITES:
                bad += _suite(environment, probes, SUITES[name])
        except NotPossible as error:
            print(f"{interpreter}: {error}")
            bad += 1
    return 1 if bad else 0


def _suite(environment: Environment, probes: list[str], suite: Suite) -> int:
    """Run one suite as it is and with each probe; returns the number of bad rows."""
    if not environments.has_tests(environment, suite):
        print(f"{environment.version:<10} {'':7} {suite.name:<22} is not installed with this interpreter")
        return 0
    directory = environments.directory(environment, suite)
    plain = suite_run.plain(suite, environment.python, directory, environments.log(environment, suite, "as-it-is"))
    bad = 0
    for probe in probes:
        log = environments.log(environment, suite, probe)
        recorded = suite_run.recorded(suite, environment.python, probe, directory, log)
        differing = comparison.differences(plain, recorded)
        alone = functools.partial(suite_run.alone, suite, environment.python, directory=directory)
        steady, wobbles = comparison.steady(differing, alone)
        new = [difference for difference in steady if not difference.reason]
        print(
            ROW.format(
                environment.version,
                probe,
                suite.name,
                len(recorded.outcomes),
                len(new),
                len(steady) - len(new),
                len(wobbles),
                recorded.sites,
                recorded.lifecycles,
                f"{plain.seconds:.0f}+{recorded.seconds:.0f}",
            )
        )
        for line in _remarks(plain, recorded, steady, wobbles):
            print(f"{'':18} {line}")
        bad += bool(new or plain.trouble or recorded.trouble or not recorded.sites or not recorded.lifecycles)
    return bad


def _remarks(plain: Run, recorded: Run, steady: list[Difference], wobbles: list[Wobble]) -> Iterator[str]:
    for form, run in (("as it is", plain), ("recorded", recorded)):
        if run.trouble:
            yield f"{form}: {run.trouble}"
    for difference in steady:
        if not difference.reason:
            yield f"DIFFERS: {_line(difference)}"
    for reason in dict.fromkeys(difference.reason for difference in steady if difference.reason):
        tests = ", ".join(difference.test for difference in steady if difference.reason == reason)
        yield f"excepted: {tests}: {reason}"
    for difference, times, runs in wobbles:
        yield f"wobbles: {_line(difference)}; as it is, {times} of {runs} runs by itself came to that too"


def _line(difference: Difference) -> str:
    return f"{difference.test}: {difference.plain} -> {difference.recorded}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.qualification.transparency", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--python", action="append", type=Path, metavar="PATH", help="an interpreter (else this one)")
    parser.add_argument("--probe", action="append", choices=PROBES, help="else both")
    parser.add_argument("--suite", action="append", choices=SUITES, help="else all")
    parser.add_argument("--tracer", type=Path, default=environments.ROOT / "tracer", help="else the one of this tree")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

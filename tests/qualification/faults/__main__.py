"""Injects faults into real processes: the program ends as without a recording, and the record has what is promised.

    python -m tests.qualification.faults [--probe python|native].. [--short] [NAME]..

Each row is one scenario: how many lifecycles the program entered by its own count, how many the store or the recording
has, and how many were counted as dropped. The exit code is 1 where a verdict is bad.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.qualification.faults import (
    collector_scenarios,
    disk_scenarios,
    exporter_scenarios,
    outage_scenarios,
    program_run,
    program_scenarios,
    scenarios,
)
from tests.qualification.faults.scenarios import TABLE, Scenario, Stage
from tests.qualification.faults.verdict import Verdict

ROW = "{:<38} {:<7} {:>8} {:>8} {:>8} {:>8}  {}"
__all__ = [
    "collector_scenarios",
    "disk_scenarios",
    "exporter_scenarios",
    "outage_scenarios",
    "program_scenarios",
]  # importing them fills the table


def main() -> int:
    """Run the scenarios of the command line, and print a table."""
    options = _options()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    print(ROW.format("scenario", "probe", "entered", "stored", "dropped", "seconds", "verdict"))
    bad = 0
    for probe in options.probe or ("python", "native"):
        for scenario in TABLE.values():
            if (options.short and not scenario.short) or (options.name and scenario.name not in options.name):
                continue
            began = time.monotonic()
            verdict = carry_out(scenario, probe)
            seconds = f"{time.monotonic() - began:.1f}"
            promise = "as promised" if not verdict.breaches else "BAD"
            print(ROW.format(scenario.name, probe, verdict.entered, verdict.stored, verdict.dropped, seconds, promise))
            for line in verdict.breaches:
                print(f"    {line}")
            bad += bool(verdict.breaches)
    return 1 if bad else 0


def carry_out(scenario: Scenario, probe: str) -> Verdict:
    """One scenario in a directory of its own, which is gone afterwards."""
    program_run.use_probe(probe)
    with tempfile.TemporaryDirectory(prefix="faults-") as directory:
        try:
            return scenario.run(Stage(Path(directory)))
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            return Verdict(0, 0, 0, [f"it broke off: {type(error).__name__}: {error}"])
        finally:
            program_run.end_all()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.qualification.faults",
        description=__doc__.partition("\n")[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="scenarios:\n"
        + "\n".join(f"  {scenario.name:<38} {scenario.description}" for scenario in scenarios.TABLE.values()),
    )
    parser.add_argument("name", nargs="*", choices=[*TABLE, []], metavar="NAME", help="a scenario (else all)")
    parser.add_argument("--probe", action="append", choices=("python", "native"), help="else both")
    parser.add_argument("--short", action="store_true", help="those that `make test` carries out too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

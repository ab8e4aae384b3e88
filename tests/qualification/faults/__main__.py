"""Faults put into real processes: the program is as without a recording, and the record has what was promised.

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
from tests.qualification.faults.verdict import Told

ROW = "{:<38} {:<7} {:>8} {:>8} {:>8} {:>8}  {}"
__all__ = [
    "collector_scenarios",
    "disk_scenarios",
    "exporter_scenarios",
    "outage_scenarios",
    "program_scenarios",
]  # they fill the table


def main() -> int:
    """Carry out what the command line says, and print a table."""
    options = _options()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    print(ROW.format("scenario", "probe", "entered", "stored", "dropped", "seconds", "verdict"))
    bad = 0
    for probe in options.probe or ("python", "native"):
        for one in TABLE.values():
            if (options.short and not one.short) or (options.name and one.name not in options.name):
                continue
            began = time.monotonic()
            told = carry_out(one, probe)
            seconds = f"{time.monotonic() - began:.1f}"
            verdict = "as promised" if not told.wrong else "BAD"
            print(ROW.format(one.name, probe, told.entered, told.stored, told.dropped, seconds, verdict))
            for line in told.wrong:
                print(f"    {line}")
            bad += bool(told.wrong)
    return 1 if bad else 0


def carry_out(one: Scenario, probe: str) -> Told:
    """One scenario in a directory of its own, which is gone afterwards."""
    program_run.use_probe(probe)
    with tempfile.TemporaryDirectory(prefix="faults-") as directory:
        try:
            return one.run(Stage(Path(directory)))
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            return Told(0, 0, 0, [f"it broke off: {type(error).__name__}: {error}"])
        finally:
            program_run.end_all()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.qualification.faults",
        description=__doc__.partition("\n")[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="scenarios:\n" + "\n".join(f"  {one.name:<38} {one.done}" for one in scenarios.TABLE.values()),
    )
    parser.add_argument("name", nargs="*", choices=[*TABLE, []], metavar="NAME", help="a scenario (else all)")
    parser.add_argument("--probe", action="append", choices=("python", "native"), help="else both")
    parser.add_argument("--short", action="store_true", help="those that `make test` carries out too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""`python -m benchmarks`: run benchmarks one after another and print each figure beside the stored baseline's."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import traceback
from pathlib import Path

from benchmarks import results, suite
from benchmarks.figure import measure_yardstick
from benchmarks.results import BASELINE, Result
from benchmarks.table import NOTE, table


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 1 if a benchmark failed, 2 for wrong arguments."""
    options = _parse(arguments)
    print(f"CPython {platform.python_version()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}")
    baseline = _baseline(options.baseline)
    measured = {}
    for name in options.names:
        print(flush=True)
        try:
            measured[name] = _run(name)
        except Exception:  # noqa: BLE001  # the other benchmarks still run
            traceback.print_exc()
            print(f"{name} failed", file=sys.stderr)
            continue
        print(*table(name, measured[name], baseline.get(name)), sep="\n", flush=True)
    print(f"\n{NOTE}")
    if options.json:
        results.write(options.json, measured)
    if options.save and measured:
        results.write(options.baseline, baseline | measured)
        print(f"baseline written to {options.baseline}: {', '.join(measured)}")
    return 0 if len(measured) == len(options.names) else 1


def _run(name: str) -> Result:
    before = measure_yardstick()
    figures = suite.figures_of(name)
    return results.result_of(figures, min(before, measure_yardstick()))


def _baseline(path: Path) -> dict[str, Result]:
    try:
        return results.read(path)
    except FileNotFoundError:
        print(f"no baseline stored: {path} does not exist (--save writes it)")
    except results.UnreadableResults as error:
        print(f"no baseline read: {error} (--save replaces it)")
    return {}


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    known = suite.names()
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Run benchmarks one after another. Print each figure beside the stored baseline's.",
        epilog="benchmarks:\n" + "\n".join(f"  {name:14} {suite.summary(name)}" for name in known),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="a benchmark of the list below (default: all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write this run's figures to FILE")
    parser.add_argument(
        "--baseline",
        type=Path,
        default=BASELINE,
        metavar="FILE",
        help="compare with the results in FILE, as --json writes them (default: benchmarks/baseline.json)",
    )
    parser.add_argument(
        "--save", action="store_true", help="store this run's figures as the baseline; benchmarks not run keep theirs"
    )
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in known]
    if unknown:
        parser.error(f"unknown benchmark: {', '.join(unknown)} (known: {', '.join(known)})")
    for path in filter(None, [options.json, options.baseline if options.save else None]):
        if not path.parent.is_dir():
            parser.error(f"cannot write {path}: the folder {path.parent} does not exist")
        if path.is_dir():
            parser.error(f"cannot write {path}: it is a folder")
    options.names = list(dict.fromkeys(options.names)) or known
    return options


if __name__ == "__main__":
    sys.exit(main())

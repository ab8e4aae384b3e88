"""`make bench`: runs the measurements one after another and prints one table."""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import sys

MODULES = ("overhead", "importing", "ingest", "exporting", "paint", "otlp", "otlp_in", "metrics")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=", ".join(MODULES) + " (default: all)")
    chosen = parser.parse_args().modules or MODULES
    print(f"CPython {platform.python_version()}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}")
    for name in chosen:
        print(f"\n{name}")
        for measure in importlib.import_module(f"benchmarks.{name}").rows():
            print(f"  {measure.name:58} {measure.value:>12,.2f} {measure.unit:15} {measure.mark}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

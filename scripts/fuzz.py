"""Run every property test with new random input, again and again, with both probes.

    python -m scripts.fuzz MINUTES

A round tries each test with TIMES as many examples as the gate does. A new one begins while there is time for it; the
first failure ends it all, with the shrunk input and how to have it again. Exit code: pytest's, 0 where nothing failed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
TIMES = 5
ROUNDS = ("native", "tests"), ("python", "tests/tracer")  # the probe, and the tests that it matters for


def main() -> int:
    """Run rounds for so many minutes, at least one of each."""
    parser = argparse.ArgumentParser(description="Run the property tests with new random input for so many minutes.")
    parser.add_argument("minutes", type=float)
    until = time.monotonic() + parser.parse_args().minutes * 60
    number, longest = 0, 0.0
    while number < len(ROUNDS) or time.monotonic() + longest < until:
        probe, tests = ROUNDS[number % len(ROUNDS)]
        number += 1
        print(f"round {number}: {tests}, {probe} probe", flush=True)
        began = time.monotonic()
        status = _round(probe, tests)
        if status:
            return status
        longest = max(longest, time.monotonic() - began)
    return 0


def _round(probe: str, tests: str) -> int:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "hypothesis", "--timeout=1200", tests]
    environment = {**os.environ, "TENURE_PROBE": probe, "TENURE_FUZZ": str(TIMES)}
    return subprocess.run(command, check=False, cwd=ROOT, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main())

"""Run each way, and with ``--write`` write the table of docs/running.md: ``python -m tests.interop.ways [--write]``.

$TENURE_WAYS_PYTHON is the Python with the packages of requirements.txt, by default that of `make interop`. A table is
written only if every way is as declared.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from . import table
from .check import check
from .ways import WAYS

_PYTHON = Path(__file__).parents[3] / ".venv-ways/bin/python"


def main() -> int:
    """Print a line for each way; 1 if one is not as declared."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop.ways")
    parser.add_argument("--write", action="store_true", help="write the table of docs/running.md")
    options = parser.parse_args()
    python = Path(os.environ.get("TENURE_WAYS_PYTHON", _PYTHON))
    failed = 0
    for way in WAYS:
        with tempfile.TemporaryDirectory() as directory:
            try:
                check(way, python, Path(directory) / "run")
            except Exception as error:  # noqa: BLE001  # the other ways are run all the same
                failed += 1
                sys.stdout.write(f"not as declared: {way.name}: {error!r}\n")
            else:
                sys.stdout.write(f"as declared: {way.name}\n")
        sys.stdout.flush()
    if options.write and not failed:
        table.write(table.versions(python))
    return int(failed > 0)


sys.exit(main())

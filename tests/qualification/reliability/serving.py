"""A collector in a process of its own for an experiment, as it is or with a protection switched off."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class Served(NamedTuple):
    """Where it is."""

    url: str
    pid: int


@contextmanager
def serving(directory: Path, *options: str, first: str = "") -> Iterator[Served]:
    """It listens. ``first`` is what is executed in the process before it serves."""
    store = directory / f"{os.urandom(4).hex()}.sqlite"
    arguments = ["serve", "--port", "0", "--store", f"sqlite:///{store}", *options]
    program = f"import sys\n{first}\nfrom tenure.__main__ import main\nsys.exit(main())"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    process = subprocess.Popen(
        [sys.executable, "-c", program, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment | {"PYTHONUNBUFFERED": "1"},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = re.search(r"http://\S+:\d+", line)
        assert address is not None, f"the collector said {line!r}"
        yield Served(address[0], process.pid)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()

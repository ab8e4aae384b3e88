"""Programs for the tests, run as a person runs them: by ``python`` and by ``tenure run``."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import msgspec

from tenure import wire

NOWHERE = "http://127.0.0.1:1"  # a port where nobody listens
NO_ANSWER = (
    f"tenure: collector at {NOWHERE} does not answer (Connection refused); the program continues, "
    "up to 32 MB of records are kept (start it with `tenure serve`)\n"
)


class Done(NamedTuple):
    """How a process ended."""

    status: int
    stdout: str
    stderr: str


def write(directory: Path, **sources: str) -> None:
    """Write modules by their paths without ".py"."""
    for name, source in sources.items():
        path = directory / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(source))


def python(directory: Path, *arguments: str, stdin: str = "", flags: tuple[str, ...] = (), **environment: str) -> Done:
    """Run the interpreter in this directory."""
    return _run(directory, [sys.executable, *flags, *arguments], stdin, **environment)


def recording(
    directory: Path, *arguments: str, stdin: str = "", flags: tuple[str, ...] = (), **environment: str
) -> Done:
    """Run the interpreter in this directory with TENURE_RECORD=1, and no word of Tenure in its command line."""
    return _run(directory, [sys.executable, *flags, *arguments], stdin, **{"TENURE_RECORD": "1", **environment})


def tenure(directory: Path, *arguments: str, stdin: str = "", flags: tuple[str, ...] = (), **environment: str) -> Done:
    """Run ``tenure`` in this directory."""
    return _run(directory, [sys.executable, *flags, "-m", "tenure", *arguments], stdin, **environment)


def recorded(path: Path) -> list[wire.Batch]:
    """The batches of a recording."""
    batches = msgspec.json.decode(path.read_bytes())["batches"]
    return [wire.decode_json(msgspec.json.encode(batch)) for batch in batches]


def _run(directory: Path, command: list[str], stdin: str, **environment: str) -> Done:
    ours = "TENURE_", "OTEL_"
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours) or name == "TENURE_PROBE"}
    done = subprocess.run(
        command,
        check=False,
        cwd=directory,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        env={**kept, **environment},
    )
    return Done(done.returncode, done.stdout, done.stderr)

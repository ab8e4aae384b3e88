"""What benchmarks measured, as a JSON file: the output of a run, and the stored baseline."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks.figure import Figure

BASELINE = Path(__file__).parent / "baseline.json"
_FORMAT = 1


class UnreadableResults(Exception):
    """The message is one line: the file, and what is wrong with it."""


class Measured(msgspec.Struct, frozen=True):
    """A figure. ``ratio``: the value, a time or a rate in units of the yardstick."""

    name: str
    value: float
    unit: str
    ratio: float
    bound: str


class Result(msgspec.Struct, frozen=True):
    """The figures of one benchmark, with when and where they were measured."""

    date: str  # ISO 8601, UTC
    commit: str  # as `git describe` has it; "" outside a repository
    python: str
    system: str  # "Linux x86_64"
    cores: int
    yardstick_ns: float
    figures: list[Measured]


class _File(msgspec.Struct, frozen=True):
    format: int
    benchmarks: dict[str, Result]


def result_of(figures: list[Figure], yardstick_ns: float) -> Result:
    """The result of a benchmark that ran here and now."""
    names = [figure.name for figure in figures]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"two figures have one name: {', '.join(repeated)}")
    return Result(
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        commit=_commit(),
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        cores=os.cpu_count() or 0,
        yardstick_ns=yardstick_ns,
        figures=[
            Measured(figure.name, figure.value, figure.unit, figure.ratio(yardstick_ns), figure.bound)
            for figure in figures
        ],
    )


def read(path: Path) -> dict[str, Result]:
    """Results by the name of the benchmark. Raises FileNotFoundError or UnreadableResults."""
    try:
        stored = msgspec.json.decode(path.read_bytes(), type=_File)
    except FileNotFoundError:
        raise
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnreadableResults(f"{path} is not a file of results: {error}") from error
    if stored.format != _FORMAT:
        raise UnreadableResults(f"{path} has format {stored.format}, expected {_FORMAT}")
    return stored.benchmarks


def write(path: Path, results: dict[str, Result]) -> None:
    """Replace the file, which is whole at each moment."""
    encoded = msgspec.json.format(msgspec.json.encode(_File(_FORMAT, dict(sorted(results.items())))), indent=2)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_bytes(encoded + b"\n")
    unfinished.replace(path)


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip()

"""An environment for each interpreter, and the libraries' source distributions."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.qualification.transparency.suites import Suite

ROOT = Path(__file__).parents[3]
CACHE = ROOT / ".tenure" / "transparency"


class NotPossible(Exception):
    """Something that a suite needs is missing; the text says what, and the remedy."""


class Environment(NamedTuple):
    """A virtual environment with the tracer in it."""

    python: Path
    version: str  # "3.11.7"


def make(interpreter: Path, tracer: Path) -> Environment:
    """An environment of this interpreter with this tracer, whose probe is built again.

    Raises:
        NotPossible: there is no such interpreter, or the tracer cannot be installed.
    """
    version = _output([str(interpreter), "-c", "import platform; print(platform.python_version())"])
    place = CACHE / version
    if not (place / "bin" / "python").exists():
        _uv("venv", "--quiet", "--python", str(interpreter), str(place))
    python = place / "bin" / "python"
    _uv("pip", "install", "--quiet", "--python", str(python), "--reinstall-package", "tenure", "--refresh-package",
        "tenure", str(tracer))  # fmt: skip
    return Environment(python, version)


def serves(environment: Environment, probe: str) -> bool:
    """Whether this probe, "python" or "native", works there."""
    ask = f"import os; os.environ['TENURE_PROBE'] = {probe!r}; "
    ask += "from tenure._core import probe_backend; print(probe_backend.NAME)"
    try:
        return _output([str(environment.python), "-c", ask]) == probe
    except NotPossible:
        return probe == "python"  # a tracer from before there were two


def has_tests(environment: Environment, suite: Suite) -> bool:
    """Whether the interpreter has these modules of its own tests; a library's suite runs anywhere."""
    if suite.source:
        return True
    ask = f"import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, {suite.arguments!r})))"
    return subprocess.run([environment.python, "-c", ask], check=False, capture_output=True).returncode == 0


def directory(environment: Environment, suite: Suite) -> Path | None:
    """The directory to run a library's suite in: its unpacked source, installed with all that its tests need.

    Raises:
        NotPossible: the source distribution or a dependency cannot be had.
    """
    if not suite.source:
        return None
    name = suite.source.replace("==", "-")
    unpacked = CACHE / "sources" / name
    if not unpacked.is_dir():
        archives = CACHE / "archives"
        library = suite.source.partition("==")[0]  # what builds it need not be built
        source_only = ["--no-deps", "--no-binary", library, "--quiet", "--disable-pip-version-check"]
        _run([sys.executable, "-m", "pip", "download", *source_only, "--dest", str(archives), suite.source])
        with tarfile.open(archives / f"{name}.tar.gz") as archive:
            archive.extractall(unpacked.parent, filter="data")
    _uv("pip", "install", "--quiet", "--python", str(environment.python), *suite.needs, str(unpacked))
    return unpacked


def log(environment: Environment, suite: Suite, form: str) -> Path:
    """The file for what a whole run prints; the next run overwrites it."""
    logs = CACHE / "logs"
    logs.mkdir(exist_ok=True)
    return logs / f"{environment.version}-{suite.name}-{form}.log"


def _uv(*arguments: str) -> None:
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        raise NotPossible("uv is not installed (make setup)")
    _run([uv, *arguments])


def _run(command: Sequence[str]) -> None:
    completed = subprocess.run(command, check=False, capture_output=True, text=True)
    if completed.returncode:
        raise NotPossible(f"`{' '.join(command)}` failed: {(completed.stderr or completed.stdout).strip()}")


def _output(command: Sequence[str]) -> str:
    try:
        completed = subprocess.run(command, check=False, capture_output=True, text=True)
    except OSError as error:
        raise NotPossible(f"cannot run {command[0]}: {error.strerror} (--python PATH)") from None
    if completed.returncode:
        raise NotPossible(f"{command[0]} failed: {completed.stderr.strip()}")
    return completed.stdout.strip()

"""Injected faults: each function of the tracer that the program comes to is made to fail, and nobody notices.

One run has one fault. What the program prints, its exit code and its stderr, but for the lines with which Tenure
announces itself, are those of the plain run. The functions that stand outermost, around everything else, are named
below: where one of those fails at its very start, the program meets it.
"""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.qualification.reliability import fault_program
from tests.qualification.reliability.experiment import Experiment, Measured
from tests.qualification.reliability.fault_guards import GUARDS
from tests.qualification.reliability.fault_targets import KINDS

PROBES = "native", "python"
_SAMPLED = 24  # functions with each probe, in the short form
_ROOT = Path(__file__).parents[3]


class Ended(NamedTuple):
    """What the program's user sees."""

    status: int
    stdout: str
    stderr: str


_ANNOUNCEMENT = re.compile(r"tenure: [^\n]*\n")


def run(short: bool, seed: int, mutated: bool) -> Measured:
    """Inject each fault on its own; a mutant has faults in the outermost guards too."""
    wrong: list[str] = []
    cases = 0
    functions: dict[str, int] = {}
    for probe in PROBES:
        with tempfile.TemporaryDirectory() as directory:
            reached = _reached(probe, directory)
            guards = [name for name in reached if name in GUARDS]
            tried = guards if mutated else [name for name in reached if name not in GUARDS]
            functions[probe] = len(tried)
            if short:
                tried = random.Random(seed).sample(
                    tried, min(_SAMPLED // (3 if mutated else 1), len(tried))
                )  # no secret
            kinds = KINDS[:1] if short else KINDS
            faults = [(name, kind) for name in tried for kind in kinds]
            plain = _plain(Path(directory) / "0")
            for name, ended in _runs(probe, directory, [("-", "-"), *faults]):
                cases += 1
                if difference := _difference(plain, ended):
                    wrong.append(f"{probe} probe, {name}: {difference}")
    numbers: dict[str, int | float | str] = {f"functions, {probe}": functions[probe] for probe in PROBES}
    return Measured(cases, wrong, numbers | {"outermost guards": len(GUARDS), "programs changed": len(wrong)})


def _difference(plain: Ended, ended: Ended) -> str:
    stderr = _ANNOUNCEMENT.sub("", ended.stderr)  # another thread writes it, so it may stand within a line
    if ended.status != plain.status:
        return f"exit code {ended.status} instead of {plain.status}"
    if ended.stdout != plain.stdout:
        return "other output"
    return "" if stderr == plain.stderr else f"other stderr: {stderr.replace(plain.stderr, '').strip()[-200:]!r}"


def _reached(probe: str, directory: str) -> list[str]:
    for _ in _host(probe, directory, "reached", ""):
        pass
    return (Path(directory) / "reached").read_text().split("\n")


def _plain(directory: Path) -> Ended:
    """Without Tenure, in one of the directories that the host has made."""
    done = subprocess.run(
        [sys.executable, fault_program.NAME],
        check=False,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return Ended(done.returncode, done.stdout, done.stderr.replace(str(directory), "DIRECTORY"))


def _runs(probe: str, directory: str, requests: list[tuple[str, str]]) -> Iterator[tuple[str, Ended]]:
    lines = "".join(f"{name} {kind}\n" for name, kind in requests)
    for line in _host(probe, directory, "faults", lines):
        entry = json.loads(line)
        yield f"{entry['name']} ({entry['kind']})", Ended(entry["status"], entry["stdout"], entry["stderr"])


def _host(probe: str, directory: str, mode: str, lines: str) -> Iterator[str]:
    """What the host says, line by line."""
    command = [sys.executable, "-m", "tests.qualification.reliability.fault_host", directory, mode]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("TENURE_", "OTEL_"))}
    environment["TENURE_PROBE"] = probe
    (requests := Path(directory) / "asked").write_text(lines)
    with (
        requests.open() as stdin,
        (Path(directory) / "trouble").open("w") as stderr,
        subprocess.Popen(
            command, cwd=_ROOT, env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=stderr, text=True
        ) as host,
    ):
        assert host.stdout is not None
        yield from (line for line in host.stdout if mode != "reached")


EXPERIMENT = Experiment(
    name="injected_faults",
    claim="any one function of the tracer fails: the program's output and exit code are as without it",
    run=run,
    mutant="the outermost guards fail",
)

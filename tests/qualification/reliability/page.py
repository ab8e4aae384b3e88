"""Keeps the figures of experiments in docs/reliability.json and puts them into docs/reliability.md."""

from __future__ import annotations

import json
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from tests.qualification.reliability.experiment import Experiment, Measured

DOCS = Path(__file__).parents[3] / "docs"
FIGURES = DOCS / "reliability.json"
PAGE = DOCS / "reliability.md"
SOAK = DOCS / "reliability_soak.json"
BEGIN, END = "<!-- written by python -m tests.qualification.reliability --write -->", "<!-- end -->"


def keep(experiment: Experiment, measured: Measured, mutant: Measured, seed: int) -> None:
    """Replace one experiment's figures in docs/reliability.json."""
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    figures[experiment.name] = {
        "claim": experiment.claim,
        "cases": measured.cases,
        "wrong": len(measured.wrong),
        "numbers": measured.numbers,
        "mutant": experiment.mutant,
        "mutant_wrong": len(mutant.wrong),
        "mutant_cases": mutant.cases,
        "seed": seed,
        "commit": _commit(),
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
    }
    FIGURES.write_text(json.dumps(dict(sorted(figures.items())), indent=2) + "\n")


def keep_soak(figures: dict[str, object], options: str) -> None:
    """Replace the figures of the soak in docs/reliability_soak.json."""
    when = {"commit": _commit(), "date": datetime.now(UTC).date().isoformat(), "python": platform.python_version()}
    SOAK.write_text(json.dumps({"options": options, **when, "figures": figures}, indent=2) + "\n")


def write() -> None:
    """Renew the part of docs/reliability.md between its two marks."""
    head, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, tail = rest.partition(END)
    PAGE.write_text(f"{head}{BEGIN}\n{table()}\n{soak()}{END}{tail}")


def table() -> str:
    """The figures as Markdown: one row an experiment."""
    lines = [
        "| experiment | claim | cases | wrong | figures | mutant and what it broke | seed | commit, date, Python |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in json.loads(FIGURES.read_text()).items():
        numbers = "; ".join(f"{key}: {value}" for key, value in row["numbers"].items())
        mutant = f"{row['mutant']}: {row['mutant_wrong']} of {row['mutant_cases']:,} wrong"
        where = f"{row['commit']}, {row['date']}, {row['python']}"
        cells = [f"`{name}`", row["claim"], f"{row['cases']:,}", row["wrong"], numbers, mutant, row["seed"], where]
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def soak() -> str:
    """The figures of the soak as Markdown; nothing before the first one."""
    if not SOAK.exists():
        return ""
    kept = json.loads(SOAK.read_text())
    where = f"{kept['commit']}, {kept['date']}, CPython {kept['python']}"
    lines = [
        f"`python -m tests.qualification.reliability.soak {kept['options']}` ({where}):",
        "",
        "| figure | value |",
        "|---|---|",
    ]
    for name, value in kept["figures"].items():
        lines.append(f"| {name} | {value:,} |")
    return "\n".join(lines) + "\n"


def _commit() -> str:
    command = ["git", "-C", str(DOCS), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

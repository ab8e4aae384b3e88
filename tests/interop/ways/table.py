"""The table of docs/running.md, made from what is declared."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

from .declaration import Way
from .ways import WAYS

PAGE = Path(__file__).parents[3] / "docs/running.md"
BEGIN, END = "<!-- ways: begin -->\n", "<!-- ways: end -->\n"
_HEAD = "| way | version | recorded | unit of work | notes |\n|---|---|---|---|---|\n"
_VERSIONS = """
import importlib.metadata, json, platform, sys
versions = {name: importlib.metadata.version(name) for name in json.loads(sys.argv[1])}
print(json.dumps({"python": platform.python_version(), **versions}))
"""


def versions(python: Path) -> dict[str, str]:
    """The versions of Python and of all ways' packages, as they are installed there."""
    packages = sorted({package for way in WAYS for package in way.packages})
    command = [str(python), "-c", _VERSIONS, json.dumps(packages)]
    answer: dict[str, str] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return answer


def table(installed: Mapping[str, str]) -> str:
    """The table with these versions."""
    return _HEAD + "".join(f"| {' | '.join(_cells(way, installed))} |\n" for way in WAYS)


def rows() -> list[list[str]]:
    """The cells of the rows that the page has."""
    lines = PAGE.read_text().split(BEGIN)[1].split(END)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def expected_rows(installed: Mapping[str, str]) -> list[list[str]]:
    """The cells of the rows that the page must have."""
    return [_cells(way, installed) for way in WAYS]


def write(installed: Mapping[str, str]) -> None:
    """Replace the table of the page."""
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}{table(installed)}{END}{rest.split(END)[1]}")


def _cells(way: Way, installed: Mapping[str, str]) -> list[str]:
    version = ", ".join(f"{name} {installed[name]}" for name in way.packages) or f"CPython {installed['python']}"
    unit = way.unit or ("lifecycles only" if way.names else "the program's own `async with`")
    return [f"`{way.name}`", version, "yes" if way.recorded else "no", unit if way.recorded else "", way.notes]

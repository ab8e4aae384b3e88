"""Writes the table of rooms in ARCHITECTURE.md from import-linter's contracts: ``python -m scripts.rooms --write``.

The contracts in pyproject.toml say which room may import which; the first sentence of a room's docstring says what it
is. Without ``--write`` the table is printed. tests/test_architecture.py compares it with the page.
"""

from __future__ import annotations

import ast
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "ARCHITECTURE.md"
BEGIN, END = "<!-- written by python -m scripts.rooms --write -->\n", "<!-- end -->\n"
FOLDERS = {"tenure": ROOT / "tracer", "tenure_server": ROOT / "server"}

Contract = dict[str, Any]


def main(arguments: list[str]) -> int:
    if arguments == ["--write"]:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(with_tables(page), encoding="utf-8")
    else:
        sys.stdout.write(tables())
    return 0


def with_tables(page: str) -> str:
    """The page with its tables of rooms as the contracts have them."""
    before, rest = page.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    return f"{before}{BEGIN}{tables()}{END}{after}"


def tables() -> str:
    """The rooms of each package by level, and then what the other contracts say of imports."""
    contracts = _contracts()
    rooms = ["| level | room | what it is |", "|---|---|---|"]
    never = ["| of | may never import | except |", "|---|---|---|"]
    importers = ["| module | may be imported by |", "|---|---|"]
    for contract in contracts:
        if contract["type"] == "layers":
            rooms += _levels(contract["layers"])
        elif contract["type"] == "forbidden":
            cells = (contract["source_modules"], contract["forbidden_modules"], contract.get("ignore_imports", []))
            never.append(f"| {' | '.join(_code(cell) for cell in cells)} |")
        elif contract["type"] == "protected":
            allowed = _code(contract["allowed_importers"]) or "none: it is started as a process"
            importers.append(f"| {_code(contract['protected_modules'])} | {allowed} |")
    return "\n".join([*rooms, "", *never, "", *importers, ""])


def _contracts() -> list[Contract]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts: list[Contract] = settings["tool"]["importlinter"]["contracts"]
    return contracts


def _levels(layers: list[str]) -> list[str]:
    """A row for each room; rooms of one level have one number."""
    return [
        f"| {len(layers) - height} | `{room}` | {_purpose(room)} |"
        for height, layer in enumerate(layers)
        for room in layer.split(" | ")
    ]


def _purpose(room: str) -> str:
    """The first line of the room's docstring."""
    base = FOLDERS[room.partition(".")[0]].joinpath(*room.split("."))
    path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    if not docstring:
        raise ValueError(f"{path.relative_to(ROOT)} has no docstring (say in one sentence what the room is)")
    return docstring.partition("\n")[0].replace("``", "`").replace("|", "\\|")


def _code(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

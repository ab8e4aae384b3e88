"""ARCHITECTURE.md says which rooms there are and what each may import, as import-linter checks it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scripts import rooms

ROOT = Path(__file__).parent.parent
DECISIONS = sorted((ROOT / "docs/adr").glob("[0-9]*.md"))


def test_the_tables_of_rooms_are_what_the_contracts_say() -> None:
    """Writing the tables again from pyproject.toml and the rooms' docstrings gives the committed page."""
    page = rooms.PAGE.read_text(encoding="utf-8")

    assert rooms.with_tables(page) == page, "run: python -m scripts.rooms --write"


@pytest.mark.parametrize("package", ["tenure", "tenure_server"])
def test_every_room_has_a_level(package: str) -> None:
    """A folder or a module directly in a package is in its contract of layers: all its imports are checked."""
    folder = rooms.FOLDERS[package] / package
    found = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    levels = set(re.findall(rf"^\| \d+ \| `{package}\.(\w+)` \|", rooms.tables(), re.MULTILINE))

    assert found - {"__init__", "__main__"} == levels


@pytest.mark.parametrize("page", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_has_all_its_parts(page: Path) -> None:
    """A decision has a number, a status with a date, context, decision, alternatives, consequences, in this order."""
    text = page.read_text(encoding="utf-8")

    assert re.match(rf"# {page.name[:4]} \S", text)
    assert re.search(
        r"^Status: (accepted|superseded by \[\d{4}\]\(\d{4}-[a-z-]+\.md\)) \(20\d\d-\d\d-\d\d", text, re.MULTILINE
    )
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Alternatives", "Consequences"]


def test_the_index_has_every_decision_once_by_its_title() -> None:
    """docs/adr/README.md links each decision under its title, and no other page."""
    index = re.findall(
        r"^- \[(.+?)\]\((.+?)\)", (ROOT / "docs/adr/README.md").read_text(encoding="utf-8"), re.MULTILINE
    )

    titles = [(page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# "), page.name) for page in DECISIONS]

    assert sorted(index, key=lambda entry: entry[1]) == titles

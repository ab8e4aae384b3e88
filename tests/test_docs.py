"""The documents are under test: what the code has and no page names, or a page names and the code has not, fails."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest
from tests.qualification.faults.__main__ import TABLE

from tenure.cli import doctor, run
from tenure_server import limits
from tenure_server.app import ROUTES
from tenure_server.cli import export, serve
from tenure_server.http import login

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "tracer/README.md", ROOT / "server/README.md"])


def _options(parser: argparse.ArgumentParser) -> set[str]:
    return {option for action in parser._actions for option in action.option_strings} - {"-h", "--help"}


def _section(page: str, heading: str) -> str:
    return page.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("command", [run, serve, export, doctor], ids=["run", "serve", "export", "doctor"])
def test_every_option_is_on_the_page_of_its_command_and_no_other(command: object) -> None:
    """docs/commands.md names in a command's section exactly the options that its parser has."""
    name = command.__name__.rpartition(".")[2]
    section = _section((ROOT / "docs/commands.md").read_text(), f"tenure {name}")

    named = set(re.findall(r"`(--?[a-z-]+)", section))

    assert named == _options(command._parser())


def test_every_address_is_on_the_page_of_the_api_and_no_other() -> None:
    """docs/api.md has the routes, and the pages: the dashboard at / and the login."""
    named = set(re.findall(r"`(GET|POST) ([^` ]+)`", (ROOT / "docs/api.md").read_text()))

    assert named == {(route.method, route.path) for route in ROUTES} | {("GET", "/"), *login.ADDRESSES}


def test_every_scenario_of_faults_is_on_their_page_and_no_other() -> None:
    """docs/faults.md says of each what is done and what is promised."""
    rows = re.findall(r"^\| (`.+?`) \|", (ROOT / "docs/faults.md").read_text(), re.MULTILINE)

    assert [name for row in rows for name in re.findall(r"`([^`]+)`", row)] == list(TABLE)


@pytest.mark.parametrize("document", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    """Links and pictures of the pages that name a file of the project name one that is there."""
    text = document.read_text()
    targets = re.findall(r"\]\(([^)#]+)", text) + re.findall(r'src(?:set)?="([^"]+)"', text)

    missing = [target for target in targets if "://" not in target and not (document.parent / target).exists()]

    assert missing == []


def test_every_make_target_that_a_page_names_exists() -> None:
    """`make demo` in a page is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    named = {word for page in PAGES for word in re.findall(r"`make ([a-z-]+)`", page.read_text())}

    assert named - targets == set()


def test_the_limits_of_clients_have_the_values_that_the_page_says() -> None:
    """docs/api.md names constants of tenure_server.limits, each with its value."""
    section = _section((ROOT / "docs/api.md").read_text(), "Limits of clients")
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\d+)", section, re.MULTILINE)
    rows += re.findall(r"`([A-Z_]+)` \((\d+)\)", section)

    assert len(rows) >= 11
    assert {name: float(value) for name, value in rows} == {name: getattr(limits, name) for name, _ in rows}

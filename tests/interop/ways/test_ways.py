"""Python is recorded in each way in which people start it, and nobody can tell but by the recording."""

import os
import re
import sys
from pathlib import Path

import pytest
from tests.interop.ways import table
from tests.interop.ways.check import check
from tests.interop.ways.ways import WAYS

PINS = Path(__file__).parent / "requirements.txt"


@pytest.mark.parametrize("way", [way for way in WAYS if way.light], ids=lambda way: way.name)
def test_a_light_way_is_as_declared(way, tmp_path):
    """Bare and recorded: same answers, output and exit code; the lifecycles of each worker; the names of its units."""
    check(way, Path(sys.executable), tmp_path / "run")


@pytest.mark.interop
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_way_is_as_declared(way, tmp_path):
    """The same for all ways, with the versions that the table names."""
    check(way, Path(os.environ["TENURE_WAYS_PYTHON"]), tmp_path / "run")


def test_the_page_has_the_declared_ways_and_no_other():
    """docs/running.md has a row for each way, with what is declared of it and the pinned versions."""
    pinned = dict(re.findall(r"^([a-z-]+)(?:\[[a-z,]+\])?==(\S+)$", PINS.read_text(), re.MULTILINE))
    python = next(row[1].split()[1] for row in table.rows() if row[1].startswith("CPython"))

    assert table.rows() == table.expected_rows({"python": python, **pinned})

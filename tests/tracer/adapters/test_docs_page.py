"""The examples of docs/adapters.md, run and compared."""

import asyncio
import importlib
import importlib.metadata
import re
import sys
from pathlib import Path

import pytest
from tests.tracer.support import user_packages

from tenure import adapters
from tenure.adapters import api

MAKEFILE = Path(__file__).parents[3] / "Makefile"
PAGE = (Path(__file__).parents[3] / "docs" / "adapters.md").read_text()
BLOCKS = dict(re.findall(r"^```(?:python |toml )?([\w/.]+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
INTEROP = dict(re.findall(r"([\w-]+)==([\w.]+)", (Path(__file__).parents[3] / "Makefile").read_text()))
ROWS = re.findall(
    r"^\| (`[^|]+) \| ([^|]+) \| ([^|]*) \| ([^|]+) \|$", PAGE.partition("## The adapters")[2], re.MULTILINE
)


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """The page's files, to be imported, and its package as an installer would leave it."""
    for name in ("hotel.py", "program.py", "hotel_tenure.py"):
        (tmp_path / name).write_text(BLOCKS[name])
    user_packages.install(tmp_path, BLOCKS["pyproject.toml"])
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("hotel", "program", "hotel_tenure"):
        sys.modules.pop(name, None)


@pytest.fixture
def lines(modules, request):
    """What is recorded of the page's program; recording begins once the package is installed."""
    recorder = request.getfixturevalue("recorder")
    program = importlib.import_module("program")
    assert asyncio.run(program.main()) is None
    return recorder


def test_the_example_does_what_the_page_says(lines, caplog):
    """Its library is imported by its program, its adapter is loaded then, and the lines are the page's."""
    assert "".join(f"{line}\n" for line in lines.lines()) == BLOCKS["text"]
    assert [(site.function, site.enter) for site in lines.sites()] == [
        ("stay", "book"),
        ("stay_by_hand", "check_in"),
    ]
    assert caplog.records == []


def test_the_page_names_all_that_an_adapter_may_import():
    """Each name of tenure.adapters.api begins a row, and no other."""
    part = PAGE.partition("### What an adapter can call")[2].partition("\n### ")[0]
    named = re.findall(r"^\| `(\w+)", part, re.MULTILINE)
    also = re.findall(r"`(time_creation_now|PoolStats)\b", part)
    assert sorted({*named, *also}) == sorted(api.__all__)


def test_the_table_names_every_adapter():
    """What is not on the page does not exist for a reader."""
    named = {name for cell, *_ in ROWS for name in re.findall(r"`(\w+)`", cell)}
    assert named == {name for names in adapters.ADAPTERS.values() for name in names} | {"acquire_release"}


@pytest.mark.parametrize(("library", "version"), [row[1:3] for row in ROWS if row[2] != "any"])
def test_the_table_tells_the_versions_that_are_tested(library, version):
    """The version in which this very run, or `make interop`, has the library, up to its second number."""
    try:
        tested = importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        tested = INTEROP[library]
    assert tested.split(".")[:2] == version.split("."), "bring docs/adapters.md up to date"

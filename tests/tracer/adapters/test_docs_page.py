"""The examples of docs/adapters.md, run and compared."""

import asyncio
import importlib
import importlib.metadata
import re
import sys
from pathlib import Path

import pytest

from tenure import adapters

MAKEFILE = Path(__file__).parents[3] / "Makefile"
PAGE = (Path(__file__).parents[3] / "docs" / "adapters.md").read_text()
BLOCKS = dict(re.findall(r"^```(?:python )?([\w/.]+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
ROWS = re.findall(
    r"^\| (`[^|]+) \| ([^|]+) \| ([^|]*) \| ([^|]+) \|$", PAGE.partition("## The adapters")[2], re.MULTILINE
)


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """The page's files, to be imported; its adapter stands beside the others."""
    for name in ("hotel.py", "program.py"):
        (tmp_path / name).write_text(BLOCKS[name])
    (tmp_path / "tenure_hotel.py").write_text(BLOCKS["tenure/adapters/hotel.py"])
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "tenure.adapters.hotel", importlib.import_module("tenure_hotel"))
    monkeypatch.setitem(adapters.ADAPTERS, "hotel", ("hotel",))
    yield
    for name in ("hotel", "program", "tenure_hotel"):
        sys.modules.pop(name, None)


def test_the_example_does_what_the_page_says(modules, recorder, caplog):
    """Its library is imported by its program, its adapter is loaded then, and the lines are the page's."""
    program = importlib.import_module("program")
    assert asyncio.run(program.main()) is None
    assert "".join(f"{line}\n" for line in recorder.lines()) == BLOCKS["text"]
    assert [(site.function, site.enter) for site in recorder.sites()] == [
        ("stay", "book"),
        ("stay_by_hand", "check_in"),
    ]
    assert caplog.records == []


def test_the_table_names_every_adapter():
    """What is not on the page does not exist for a reader."""
    named = {name for cell, *_ in ROWS for name in re.findall(r"`(\w+)`", cell)}
    assert named == {name for names in adapters.ADAPTERS.values() for name in names} | {"acquire_release"}


@pytest.mark.parametrize(("library", "version"), [row[1:3] for row in ROWS if row[2] != "any"])
def test_the_table_tells_the_versions_that_are_tested(library, version):
    """The version in which this very run, or `make interop`, has the library, up to its second number."""
    pinned = dict(re.findall(r"(\S+)==(\S+)", MAKEFILE.read_text()))
    tested = pinned[library] if library == "arq" else importlib.metadata.version(library)
    assert tested.split(".")[:2] == version.split("."), "bring docs/adapters.md up to date"

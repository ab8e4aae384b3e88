"""The C sources of the native probe: which file may use which, and what the documents say about them."""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
NATIVE = ROOT / "tracer/native"
FILES = {path.relative_to(NATIVE).as_posix(): path.read_text() for path in NATIVE.rglob("*.[ch]")}
HEADERS = sorted(name for name in FILES if name.endswith(".h"))
ROOMS = ["module", "patch", "identify", "record", "", "columns"]  # top first; "": the files without a room


def _includes(name: str) -> set[str]:
    """The files of the probe that this one includes."""
    quoted = re.findall(r'^#include "([^"]+)"$', FILES[name], re.MULTILINE)
    return {((NATIVE / name).parent / include).resolve().relative_to(NATIVE).as_posix() for include in quoted}


def _room(name: str) -> int:
    return ROOMS.index("module" if name == "module.c" else name.rpartition("/")[0])


def test_every_file_is_in_a_known_room() -> None:
    """Each room has files, and no file is elsewhere."""
    assert {_room(name) for name in FILES} == set(range(len(ROOMS)))


def test_no_part_uses_itself_over_others() -> None:
    """A part is a .c file with its header; what parts include makes no circle."""
    parts: dict[str, set[str]] = {}
    for name in FILES:
        part = name.removesuffix(Path(name).suffix)
        used = {Path(include).with_suffix("").as_posix() for include in _includes(name)}
        parts.setdefault(part, set()).update(used - {part})

    assert list(TopologicalSorter(parts).static_order())  # raises CycleError


def test_every_room_uses_only_those_below_it() -> None:
    """What a file includes is in its own room or in a lower one."""
    upward = [(name, include) for name in FILES for include in _includes(name) if _room(include) < _room(name)]

    assert upward == []


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_says_what_it_includes(header: str) -> None:
    """The comment at its top names exactly the headers of the probe that it includes."""
    first = FILES[header].split("\n", 1)[0]
    said = re.search(r"Includes (nothing of the probe|[a-z_./]+(?:, [a-z_./]+)*)\.(?: \*/)?$", first)
    assert said is not None, first
    named = set() if said[1].startswith("nothing") else {Path(include).name for include in said[1].split(", ")}

    assert named == {Path(include).name for include in _includes(header)}


def test_the_document_names_every_source_and_no_other() -> None:
    """docs/probe.md has a row for each .c file of the native probe."""
    table = (ROOT / "docs/probe.md").read_text().split("| file of `tracer/native/` |")[1].split("\n\n")[0]

    assert sorted(re.findall(r"`([a-z_/]+\.c)`", table)) == sorted(name for name in FILES if name.endswith(".c"))

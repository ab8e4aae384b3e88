"""Adapters outside Tenure: by ``tenure.adapter`` and by entry points, in any order, and what a broken one costs."""

import asyncio
import importlib
import json
import os
import sys

import pytest
from tests.tracer.support import programs, user_packages
from tests.tracer.support.programs import NOWHERE

import tenure
from tenure import testing
from tenure.adapters import api, user_adapters

LIBRARY = """
class Room:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): return False
"""
GOOD = """
from tenure.adapters import api

def install(hostel):
    api.register(hostel.Room, lambda room, expression: api.Description("hostel.Room", None, "seen", 7))
    api.patch_manager(hostel.Room)
"""
PYPROJECT = """
[project]
name = "hostel-tenure"
version = "1.0"
[project.entry-points."tenure.adapters"]
{}
"""


@pytest.fixture
def library(tmp_path, monkeypatch):
    """A library to be imported; nothing of it or of its adapters is left behind."""
    (tmp_path / "hostel.py").write_text(LIBRARY)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(user_adapters, "_registered", [])
    yield tmp_path
    for name in ("hostel", "hostel_tenure", "hostel_broken"):
        sys.modules.pop(name, None)


def package(folder, **modules):
    """Install a package with one entry point for hostel, and with these modules."""
    entries = "\n".join(f'"{module}" = "{value}"' for module, value in modules.items())
    user_packages.install(folder, PYPROJECT.format(entries))


def register(way):
    """Name the adapter of ``Room`` by a call or by the decorator."""

    def install(hostel):
        api.register(hostel.Room, lambda *_: api.Description("hostel.Room", None, "seen", 7))
        api.patch_manager(hostel.Room)

    if way == "call":
        assert tenure.adapter("hostel", install) is None
    else:
        assert tenure.adapter("hostel")(install) is install
    return install


def use(recorder):
    """What is recorded of one use of the library."""

    async def main():
        async with importlib.import_module("hostel").Room():
            pass

    asyncio.run(main())
    return [(row.resource, row.capacity) for row in recorder.lifecycles()]


@pytest.mark.parametrize("way", ["call", "decorator"])
@pytest.mark.parametrize("steps", ["RIB", "IRB", "BRI", "BIR", "RBI", "IBR"])
def test_an_adapter_may_be_named_at_any_time(library, way, steps):
    """Registered (R), library imported (I) and recording begun (B) in every order."""
    actions = {"R": lambda: register(way), "I": lambda: importlib.import_module("hostel")}
    before, _, after = steps.partition("B")
    for step in before:
        actions[step]()
    with testing.recorder() as recorder:
        for step in after:
            actions[step]()
        assert use(recorder) == [("hostel.Room seen", 7)]


def test_the_next_recording_has_the_adapter_too(library):
    """It is installed once in each, also if it was registered twice, and its patches are gone in between."""
    calls = []
    install = register("call")
    tenure.adapter("hostel", install)
    tenure.adapter("hostel", calls.append)
    hostel = importlib.import_module("hostel")
    bare = dict(vars(hostel.Room))
    for count in (1, 2):
        with testing.recorder() as recorder:
            assert use(recorder) == [("hostel.Room seen", 7)]
        assert calls == [hostel] * count
        assert dict(vars(hostel.Room)) == bare


def test_a_broken_adapter_costs_only_itself(library, caplog):
    """One log line with its name; the others are installed, and the program sees nothing."""

    @tenure.adapter("hostel")
    def broken(hostel):
        raise LookupError("no Flat")

    register("call")
    with testing.recorder() as recorder:
        assert use(recorder) == [("hostel.Room seen", 7)]
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"tenure: the adapter {__name__}.test_a_broken_adapter_costs_only_itself.<locals>.broken")
    assert line.endswith("for hostel failed and is left out from now on: no Flat")


@pytest.mark.parametrize("arguments", [(1, print), ("hostel", "install")])
def test_what_is_no_adapter_is_refused(library, arguments):
    """The error says how it is called."""
    with pytest.raises(TypeError, match=r'takes the name of a module and a function: tenure.adapter\("hotel", instal'):
        tenure.adapter(*arguments)


def test_an_installed_package_brings_an_adapter(library, caplog):
    """It is loaded when the program has imported the library, not before; the module may name its function."""
    (library / "hostel_tenure.py").write_text(GOOD.replace("install", "begin"))
    package(library, hostel="hostel_tenure:begin")
    with testing.recorder() as recorder:
        assert "hostel_tenure" not in sys.modules
        assert use(recorder) == [("hostel.Room seen", 7)]
    assert caplog.records == []


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def install(hostel): raise LookupError('no Flat')", "no Flat"),
        ("install = 1 / 0", "division by zero"),
        ("", "module 'hostel_broken' has no attribute 'install'"),
        (None, "No module named 'hostel_broken'"),
    ],
)
def test_a_broken_entry_point_is_one_line_with_its_name(library, caplog, source, error):
    """The adapter that the program names itself is installed all the same."""
    if source is not None:
        (library / "hostel_broken.py").write_text(source)
    package(library, hostel="hostel_broken")
    register("call")
    user_adapters.faults._said.clear()
    with testing.recorder() as recorder:
        assert use(recorder) == [("hostel.Room seen", 7)]
    assert [record.getMessage() for record in caplog.records] == [
        "tenure: the adapter hostel_broken of hostel-tenure 1.0 for hostel failed and is left out from now on: " + error
    ]


def test_packages_without_the_group_are_not_asked(library, monkeypatch):
    """importlib.metadata is not imported for them."""
    monkeypatch.setattr(sys, "path", [str(library), str(library / "missing")])
    monkeypatch.setitem(sys.modules, "importlib.metadata", None)
    assert user_adapters.entry_points() == []


def test_the_doctor_lists_the_adapters_of_packages(library):
    """With the package and whether they fit; also for a library that Tenure knows, and one that is not installed."""
    (library / "hostel_tenure.py").write_text(GOOD)
    (library / "hostel_broken.py").write_text("")
    package(library, hostel="hostel_tenure", aiosqlite="hostel_broken", motel="hostel_tenure")
    path = os.pathsep.join([str(library), os.environ.get("PYTHONPATH", "")])
    done = programs.tenure(library, "doctor", "--json", "--collector", NOWHERE, PYTHONPATH=path)
    by_name = {entry["name"]: entry for entry in json.loads(done.stdout)["libraries"]}
    good, broken = "hostel_tenure of hostel-tenure 1.0", "hostel_broken of hostel-tenure 1.0"
    assert by_name["hostel"] == {"name": "hostel", "adapters": [good], "version": "unknown version", "problem": ""}
    assert by_name["motel"] == {"name": "motel", "adapters": [good], "version": "", "problem": ""}
    assert by_name["aiosqlite"]["adapters"] == ["aiosqlite", broken]
    assert by_name["aiosqlite"]["problem"] == (
        f"the adapter {broken} for aiosqlite: AttributeError: module 'hostel_broken' has no attribute 'install'"
    )

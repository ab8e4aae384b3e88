"""pytest: a fixture that is torn down, or is async, is held by its name. Setup is its acquire, teardown its release.

A fixture of a wider scope than a function begins a trace of its own. Fixtures of pytest and its plugins, and those that
only return a value, are not recorded.
"""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import NamedTuple

from tenure import _probe_api as probe
from tenure._core.object_access import attribute, exact
from tenure._identify import tasks, tracer, units
from tenure._patching import class_patches
from tenure._patching.bodies import immediate
from tenure.adapters._kit import handler_sites, running_tests, work_units
from tenure.adapters._kit.work_units import Unit

_PLUGINS = "_pytest", "pytest", "anyio"  # how the modules of pytest and its plugins begin
_SETTING_UP = "recording the setup of a fixture"  # said where it fails
_TEARING_DOWN = "recording the teardown of a fixture"  # likewise


class _Fixtures:
    """Fixtures by address of their definition."""

    def __init__(self) -> None:
        self.functions: dict[int, object] = {}  # that are about to be set up: a plugin puts another function in place
        self.held: dict[int, _Held] = {}
        self.lane = 0  # that of fixtures which outlive a test


class _Held(NamedTuple):
    record: probe.Record
    lane: int  # 0: the thread's own

    def begin_unit(self) -> None:
        """What is held from now on is part of the fixture, and not of the test."""
        if self.lane:
            tasks.begin_unit(self.lane)

    def end_unit(self) -> None:
        if self.lane:
            tasks.end_unit()


def install(fixtures: ModuleType) -> None:
    """Patch FixtureDef, and the function that calls a fixture's own."""
    work_units.register()
    kind, call = fixtures.FixtureDef, fixtures.call_fixture_func
    execute = immediate.method(kind.execute, _SETTING_UP, before=_note_function)
    set_up = immediate.function(call, _SETTING_UP, before=_begin, after=_is_set_up, failed=_failed)
    finish = immediate.method(kind.finish, _TEARING_DOWN, before=_leave, after=_is_torn_down, failed=_failed)
    class_patches.replace(kind, "execute", execute)
    class_patches.replace(kind, "finish", finish)
    class_patches.replace(fixtures, "call_fixture_func", set_up)


def _note_function(definition: object, _: object, __: object) -> None:
    if running_tests.current() is not None and attribute(definition, "cached_result") is None:
        tracer.current.of(_Fixtures).functions[id(definition)] = attribute(definition, "func")


def _begin(arguments: tuple[object, ...], _: dict[str, object]) -> _Held | None:
    definition = attribute(arguments[1], "_fixturedef")
    fixtures = tracer.current.of(_Fixtures)
    function = fixtures.functions.pop(id(definition), None)
    if not _is_held(function):
        return None
    site, lane = handler_sites.of_callable(function), 0
    if attribute(attribute(definition, "_scope"), "_value_") != "function":
        lane = fixtures.lane = fixtures.lane or units.add_lane("fixtures")
        tracer.current.root_sites.add(site)
    unit = Unit("pytest.Fixture", exact(attribute(definition, "argname")), "setup", "teardown")
    record = probe.enter(unit, site, task=lane or None)
    if record is None:
        return None
    held = _Held(record, lane)
    held.begin_unit()
    return held


def _is_held(function: object) -> bool:
    if not inspect.isroutine(function) or exact(attribute(function, "__module__")).startswith(_PLUGINS):
        return False
    inner = inspect.unwrap(function)
    return inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner) or inspect.iscoroutinefunction(inner)


def _is_set_up(held: _Held, _: object, arguments: tuple[object, ...]) -> None:
    held.end_unit()
    probe.acquired(held.record)
    tracer.current.of(_Fixtures).held[id(attribute(arguments[1], "_fixturedef"))] = held


def _leave(definition: object, _: object, __: object) -> _Held | None:
    held = tracer.current.of(_Fixtures).held.pop(id(definition), None)
    if held is not None:
        probe.leaving(held.record, None)
        held.begin_unit()
    return held


def _is_torn_down(held: _Held, value: object) -> None:
    held.end_unit()
    probe.released(held.record, value)


def _failed(held: _Held, error: BaseException) -> None:
    held.end_unit()
    probe.failed(held.record, error)

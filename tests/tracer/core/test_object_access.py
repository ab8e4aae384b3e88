"""Attributes are read without running the program's code, by both probes alike."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import pytest

from tenure._core import object_access, probe_backend

READERS = [object_access._attribute]  # the Python probe's
if probe_backend.SERVES:
    READERS.append(object_access.attribute)


def _must_not_run(*_: object) -> object:
    raise AssertionError("the program's code ran")


class _Meta(type):
    named_by_meta = "of the metaclass"
    __getattr__ = _must_not_run
    __eq__ = _must_not_run
    __hash__ = type.__hash__


class _Computing:
    """A descriptor without ``__set__``: what the object holds comes first."""

    __get__ = _must_not_run


class _Program(metaclass=_Meta):
    plain = "of the class"
    hidden = "of the class"
    computing = _Computing()
    shadowed = _Computing()
    computed = property(_must_not_run)
    __getattribute__ = _must_not_run  # type: ignore[assignment]
    __getattr__ = _must_not_run

    def method(self) -> None:
        pass


class _Slots:
    __slots__ = ("empty", "kept")


class _HeldKeys(dict[str, object]):
    __getitem__ = get = __missing__ = _must_not_run  # type: ignore[assignment]


class _OwnDict:
    __dict__ = property(_must_not_run)  # type: ignore[assignment]


def _program() -> _Program:
    made = object.__new__(_Program)
    held = object_access.namespace(_Program)["__dict__"].__get__(made)  # type: ignore[attr-defined]
    held.update(hidden=1, own=2, shadowed=3, computed=4)
    return made


def _slots() -> _Slots:
    made = _Slots()
    made.kept = 5
    return made


class _WithHeldKeys:
    def __init__(self) -> None:
        self.__dict__ = _HeldKeys(own=6)


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (_program, "plain", "of the class"),
        (_program, "hidden", 1),
        (_program, "own", 2),
        (_program, "shadowed", 3),
        (_program, "computed", "default"),
        (_program, "computing", "default"),
        (_program, "method", "default"),
        (_program, "missing", "default"),
        (_program, "named_by_meta", "default"),
        (_slots, "kept", 5),
        (_slots, "empty", "default"),
        (_WithHeldKeys, "own", 6),
        (_WithHeldKeys, "missing", "default"),
        (_OwnDict, "missing", "default"),
        (lambda: _Program, "plain", "of the class"),
        (lambda: _Program, "missing", "default"),
        (lambda: _Program, "named_by_meta", "of the metaclass"),
        (lambda: sys, "maxsize", sys.maxsize),
        (lambda: sys, "missing", "default"),
        (asyncio.Lock, "_locked", False),
        (lambda: _must_not_run, "__code__", _must_not_run.__code__),
        (lambda: 5, "real", 5),
        (lambda: None, "missing", "default"),
    ],
)
def test_is_read_without_the_programs_code(
    read: Callable[..., object], make: Callable[[], object], name: str, value: object
) -> None:
    assert read(make(), name, "default") == value


@pytest.mark.parametrize("read", READERS)
def test_none_is_the_default(read: Callable[..., object]) -> None:
    assert read(5, "missing") is None


@pytest.mark.parametrize("read", READERS)
def test_an_object_keeps_its_count_of_references(read: Callable[..., object]) -> None:
    made, value = _program(), object()
    object_access.namespace(_Program)["__dict__"].__get__(made)["own"] = value  # type: ignore[attr-defined]
    before = sys.getrefcount(value), sys.getrefcount(made), sys.getrefcount(_Program.plain)
    for _ in range(100):
        for name in ("own", "plain", "missing", "computed", "shadowed"):
            read(made, name)
    assert (sys.getrefcount(value), sys.getrefcount(made), sys.getrefcount(_Program.plain)) == before

"""The arguments of the native probe's class patches: keywords, each of its own type."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tenure import _probe

PATCH = {"predicate": None, "leaves": False, "any_task": False, "sync": False}
TAKE = {
    "exempt_code": None,
    "predicate": None,
    "resolve": print,
    "on_value": print,
    "itself": True,
    "by_result": False,
    "sync": False,
}
GIVE = {
    "name": "release",
    "exempt_code": None,
    "resolve": print,
    "on_value": None,
    "itself": True,
    "by_result": False,
    "later": False,
    "counted": False,
}
CONSTRUCTORS = {"patch": (_probe.patch, PATCH), "take": (_probe.take, TAKE), "give": (_probe.give, GIVE)}
FLAGS = [(name, key) for name, (_, right) in CONSTRUCTORS.items() for key in right if isinstance(right[key], bool)]
KEYWORDS = [(name, key) for name, (_, right) in CONSTRUCTORS.items() for key in right]


def _constructor(name: str) -> tuple[Callable[..., object], dict[str, Any]]:
    construct, right = CONSTRUCTORS[name]
    return construct, dict(right)


@pytest.mark.parametrize(("name", "flag"), FLAGS)
@pytest.mark.parametrize("value", [1, 0, "yes", None, [1]])
def test_a_flag_is_a_bool_and_nothing_that_is_only_true_or_false(name: str, flag: str, value: object) -> None:
    """A truthy value that is no bool is refused with TypeError, not read as false; and so is a falsy one."""
    construct, right = _constructor(name)
    with pytest.raises(TypeError, match="must be bool"):
        construct(len, **right | {flag: value})


@pytest.mark.parametrize(("name", "keyword"), KEYWORDS)
def test_every_argument_but_the_method_is_named(name: str, keyword: str) -> None:
    """None may be left out, and none may be given by its place."""
    construct, right = _constructor(name)
    construct(len, **right)
    value = right.pop(keyword)
    with pytest.raises(TypeError):
        construct(len, **right)
    with pytest.raises(TypeError):
        construct(len, value, **right)


@pytest.mark.parametrize(("name", "keyword"), [pair for pair in KEYWORDS if pair not in FLAGS])
def test_an_argument_of_another_type_is_refused(name: str, keyword: str) -> None:
    """A callable, a code object and a name are looked at when the patch is made, not when the program calls it."""
    construct, right = _constructor(name)
    with pytest.raises(TypeError):
        construct(len, **right | {keyword: 7})
    with pytest.raises(TypeError):
        construct(7, **right)


def test_a_release_by_result_needs_what_gives_back() -> None:
    """Without on_value nothing could end the use: TypeError says so."""
    with pytest.raises(TypeError, match="on_value"):
        _probe.give(len, **GIVE | {"by_result": True})


def test_a_refused_argument_leaves_nothing_behind() -> None:
    """Refused calls keep no reference to what they were given."""
    assert _references_after(1000) == _references_after(0)


def _references_after(refused: int) -> int:
    def own() -> None: ...

    for _ in range(refused):
        with contextlib.suppress(TypeError):
            _probe.take(own, **TAKE | {"resolve": own, "sync": 1})
    return sys.getrefcount(own)

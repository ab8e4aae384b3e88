"""What a constructor opens and a call closes: from ``client = AsyncClient()`` to ``await client.aclose()`` it is held.

It is held by the task that made it, at the program's line, also where a helper of the library calls the constructor
(``from_url``). It encloses nothing: what the task holds later is no child of it. If a statement enters it later, it is
still one lifecycle, from then on at the line of the statement; it encloses the body then, if the task is the same. What
``async with AsyncClient()`` makes and enters at once begins with the statement and costs nothing here.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple, cast

from tenure import _probe_api as probe
from tenure._assembly import statement_entry
from tenure._core.object_access import attribute, short_name
from tenure._core.paths import PACKAGE_DIR, is_own_frame
from tenure._identify import libraries, resources, sites, tracer
from tenure._identify.resources import Describe, Description
from tenure._patching import class_patches
from tenure._patching.bodies import immediate
from tenure._patching.class_patches import Predicate
from tenure.adapters._kit import acquire_release, after_init, entered_at_once, held_tokens, open_close, second_lives
from tenure.adapters._kit.open_close import Token

MAX_CALLS = 4_096  # instructions that are remembered

_INIT = "__init__"
_FROZEN = "<frozen "
_STANDARD_LIBRARY = str(Path(os.__file__).parent) + os.sep
_INSTALLED = f"{os.sep}site-packages{os.sep}", f"{os.sep}dist-packages{os.sep}"


class _State:
    """What a recording knows of constructed objects."""

    def __init__(self) -> None:
        self.calls: dict[tuple[int, int], tuple[bool, CodeType]] = {}  # whether a statement enters its value at once
        self.sites: dict[tuple[int, int, str], tuple[str, CodeType]] = {}  # of calls that are the program's own


class _Constructed:
    """An object that was just made; the adapter describes the object."""

    __slots__ = ("thing",)

    def __init__(self, thing: object) -> None:
        self.thing = thing


class _Plan(NamedTuple):
    kind: type
    stand_in: type[_Constructed]
    names: tuple[str, str]  # of the class and its closing call, for people
    token: Token
    predicate: Predicate


def _always(_: object) -> bool:
    return True


def _itself(thing: object) -> object:
    return thing


def patch(
    kind: type,
    closing: Iterable[str],
    describe: Describe,
    *,
    token: Token = _itself,
    predicate: Predicate = _always,
    wants_entry: Predicate = _always,
    noting: Callable[[object], None] | None = None,
    reopening: Iterable[str] = (),
) -> None:
    """Let objects of a class count as held from their constructor to the first of the calls in ``closing``.

    ``describe(object, expression)`` returns the resource, as for ``resources.register``. ``token``: what the object is
    known by, if its type allows no weak reference. ``predicate(object)`` false: the constructor opens nothing;
    ``wants_entry(object)`` false: this entry is not recorded. ``noting(object)`` is called after the constructor, also
    of what is not recorded. ``reopening``: the calls after which a closed object is open again.

    Raises:
        TypeError: one of the closing methods is missing.
    """
    closing = tuple(closing)
    stand_in = type(kind.__qualname__, (_Constructed,), {"__module__": kind.__module__, "__slots__": ()})
    plan = _Plan(kind, stand_in, (short_name(kind), closing[0]), token, predicate)

    def constructed(_: object, __: object, arguments: tuple[object, ...]) -> None:
        if noting is not None:
            noting(arguments[0])
        _begin(plan, arguments[0], sys._getframe(2))  # noqa: SLF001  # there is no other way to the caller

    def closed(thing: object) -> None:
        second_lives.note_closed(thing, kind, reopening, token, partial(_begin_again, plan))

    open_close.check_functions(kind, *closing)
    resources.register(stand_in, _describe_constructed(describe))
    open_close.register(kind, describe, token)
    resources.on_entry(kind, partial(_entered, plan))
    open_close.patch_closing(kind, closing, token, {}, closed if reopening else None)
    if hasattr(kind, "__aenter__") and not resources.is_patched(kind):
        class_patches.patch_manager(kind, any_task=True, predicate=wants_entry)
    where = f"recording the creation of a {kind.__qualname__}"
    wrapper = immediate.function(kind.__init__, where, after=constructed)  # type: ignore[misc]
    class_patches.replace(kind, _INIT, after_init.uncounted(wrapper))


def _begin(plan: _Plan, thing: object, frame: FrameType) -> None:
    """``frame`` called the constructor."""
    if not plan.predicate(thing) or held_tokens.is_surely_held(plan.token(thing)):
        return
    site = _site(frame, thing, plan.kind)
    if site:
        _hold(plan, thing, site)
        open_close.look_at_subclass(thing, plan.kind)


def _begin_again(plan: _Plan, thing: object, frame: FrameType) -> None:
    """``frame`` called what opens a closed object again."""
    maker = None if held_tokens.is_surely_held(plan.token(thing)) else _maker(frame, plan.kind)
    if maker is not None:
        site = sites.of_instruction(maker.f_code, maker.f_lasti, f"{plan.names[0]}()")
        tracer.current.enclosing_nothing.add(site)
        _hold(plan, thing, site)


def _hold(plan: _Plan, thing: object, site: str) -> None:
    record = probe.enter(plan.stand_in(thing), site)
    if record is not None:
        resources.called_at(site, *plan.names)
        probe.acquired(record)
        held_tokens.hold(plan.token(thing), record, open_close.end_dropped).is_entered = False


def _entered(plan: _Plan, thing: object, site: str) -> bool:
    known_by = plan.token(thing)
    if not held_tokens.is_surely_held(known_by):
        second_lives.forget(known_by)
        return False
    held = tracer.current.held_tokens[id(known_by)]
    if not held.is_entered:
        held.is_entered = True
        statement_entry.note(held.records[-1], site)
    return True


def _describe_constructed(describe: Describe) -> Describe:
    """Name an object by the variable or attribute that it is assigned to, if the adapter has no name."""

    def describe_constructed(constructed: object, expression: str) -> Description:
        description = describe(cast("_Constructed", constructed).thing, expression)
        if description.name is not None:
            return description
        return Description(description.kind, description.subject, sites.target_name(expression), *description[3:])

    return describe_constructed


def _site(frame: FrameType, thing: object, kind: type) -> str:
    """The program's line that makes an object; "" if a library makes it for itself, or a statement enters it."""
    name, places = short_name(kind), tracer.current.of(_State).sites
    place = id(frame.f_code), frame.f_lasti, name
    known = places.get(place)
    if known is not None:
        return known[0]
    called = acquire_release.overriding(frame, thing, _INIT)
    maker = _maker(called, kind)
    if maker is None:
        return ""
    site = ""
    if not _is_entered(called) and (maker is called or not _is_entered(maker)):
        site = sites.of_instruction(maker.f_code, maker.f_lasti, f"{name}()")
        tracer.current.enclosing_nothing.add(site)
    if maker is frame and maker.f_code.co_name != _INIT:  # the instruction alone decides
        if len(places) >= MAX_CALLS:
            places.clear()
        places[place] = site, maker.f_code
    return site


def _maker(frame: FrameType, kind: type) -> FrameType | None:
    """The innermost frame of the program, else of an unknown library; None if a known library makes the object."""
    own, unknown = libraries.of_type(resources.described(kind)), None
    for caller in libraries.stack(frame):
        if is_own_frame(caller):
            continue
        file, package = caller.f_code.co_filename, libraries.of_frame(caller)
        if package and package != own:
            return None
        if file.startswith(_FROZEN):  # a module is imported, or the program begins
            return unknown
        if not package and not file.startswith(_STANDARD_LIBRARY) and not any(part in file for part in _INSTALLED):
            return caller
        if not package:
            unknown = unknown or caller
    return unknown


def _is_entered(frame: FrameType) -> bool:
    code, offset = frame.f_code, frame.f_lasti
    calls = tracer.current.of(_State).calls
    known = calls.get((id(code), offset))
    if known is None:
        if len(calls) >= MAX_CALLS:
            calls.clear()
        known = calls[id(code), offset] = entered_at_once.is_entered(code, offset), code
    return known[0]


def drop_own_frames(thing: object) -> None:
    """Take the wrapper off the stack that an object keeps of its constructor in asyncio's debug mode."""
    stack = attribute(thing, "_source_traceback")
    if type(stack) is traceback.StackSummary:
        stack[:] = [entry for entry in stack if not entry.filename.startswith(PACKAGE_DIR)]

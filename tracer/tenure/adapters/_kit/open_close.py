"""What a call opens and another closes: from ``await asyncpg.connect()`` to ``connection.close()`` it is held.

Two shapes: a method that opens its own object (``await pool.open()``), and a function that returns what it opened
(``await connect()``). What is open is held until the first of its closing calls, or ``__aexit__``, and is not recorded
again where it is entered meanwhile: ``async with await connect()`` is one lifecycle. What is dropped open is held no
more: its release failed with ``NeverClosed``, where its type allows a weak reference.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, cast

from tenure import _probe_api as probe
from tenure._core import faults
from tenure._core.object_access import mro
from tenure._identify import resources, sites, tracer
from tenure._identify.resources import NOTHING, Describe, Description
from tenure._patching import class_patches
from tenure._patching.bodies import awaited, immediate
from tenure._patching.class_patches import Method, Predicate
from tenure.adapters._kit import acquire_release, held_tokens, overridden_closing

Arguments = tuple[object, ...]
Begin = Callable[[Arguments, dict[str, object]], probe.Record | None]  # the record that a call belongs to
DescribeCall = Callable[[Arguments, dict[str, object]], Description]
Token = Callable[[object], object]

_NOBODY = "nothing refers to it any more"
_OPENING, _CLOSING = "finding out who opens", "finding out what is closed"  # said where they fail


class Opened:
    """The classes of this recording whose objects calls open and close."""

    def __init__(self) -> None:
        self.tokens: dict[int, Token] = {}  # by address of the class: what an object of it is known by
        self.classes: list[type] = []
        self.closing: dict[int, tuple[tuple[str, ...], overridden_closing.Wrap]] = {}  # by address of the class


class NeverClosed(Exception):
    """Nothing referred to it any more, and nobody had closed it."""


class _Call:
    """A call that is to open something; what the adapter describes as long as there is nothing else."""

    __slots__ = ("arguments", "named")

    def __init__(self, arguments: Arguments, named: dict[str, object]) -> None:
        self.arguments = arguments
        self.named = named


class _Plan(NamedTuple):
    kind: type
    attribute: str  # of the call that opens
    names: tuple[str, str]  # of the two calls, for people
    predicate: Predicate


def _always(_: object) -> bool:
    return True


def _itself(opened: object) -> object:
    return opened


def patch_method(
    kind: type,
    opening: str,
    closing: Iterable[str],
    describe: Describe,
    *,
    label: str = "",
    only_if: Mapping[str, Predicate] | None = None,
    token: Token = _itself,
    predicate: Predicate = _always,
    wants_entry: Predicate = _always,
) -> None:
    """Let what a coroutine method opens count as held, by a statement or by calls.

    ``describe(object, expression)`` tells the resource, as for ``resources.register``. ``label``: what people call the
    opening where that is not its name. ``only_if[name](object)`` false: the closing call of that name does not end it.
    ``token(object)``: what knows the object again, where its own type allows no weak reference. ``wants(object)``
    false: this opening is passed over; ``wants_entry(object)`` false: this entry.

    Raises:
        TypeError: one of the methods is missing.
    """
    plan = _Plan(kind, opening, (label or opening, check_functions(kind, opening, *closing)[1]), predicate)
    original = getattr(kind, opening)

    def begin(arguments: Arguments, _: dict[str, object]) -> probe.Record | None:
        if not arguments or is_held(arguments[0], token):
            return None
        return _begin(arguments[0], arguments[0], plan)

    def end(record: probe.Record, _: object, arguments: Arguments) -> None:
        _opened(record, token(arguments[0]))
        look_at_subclass(arguments[0], kind)

    wrapper = awaited.function(original, _OPENING, before=begin, after=end, failed=probe.failed)
    class_patches.replace(kind, opening, wrapper)
    patch_closing(kind, closing, token, only_if or {})
    register(kind, _named_by_call(describe, opening), token)
    if hasattr(kind, "__aenter__") and not resources.is_patched(kind):
        class_patches.patch_manager(kind, any_task=True, predicate=wants_entry)


def patch_function(
    owners: Iterable[object],
    opening: str,
    kind: type,
    closing: Iterable[str],
    describe: DescribeCall,
    *,
    label: str = "",
    of_itself: bool = False,
    token: Token = _itself,
    entered: Describe | None = None,
    predicate: Predicate = _always,
) -> None:
    """Let what a coroutine function, class method or method returns count as held until it is closed.

    It stands under this name in each of the owners (``label``: what people call it), and returns objects of this kind.
    ``of_itself``: it is a method that opens what it is bound to. ``describe(arguments, named)`` tells the resource by
    the call's arguments, the bound object first; ``entered(object, expression)`` that of objects that are entered and
    were not opened this way.

    Raises:
        TypeError: one of the functions is missing.
    """
    owners = tuple(owners)
    plan = _Plan(kind, opening, (label or opening, check_functions(kind, *closing)[0]), predicate)
    call = type(kind.__qualname__, (_Call,), {"__module__": kind.__module__, "__slots__": ()})

    def begin(arguments: Arguments, named: dict[str, object]) -> probe.Record | None:
        bound = arguments[0] if arguments else None
        return None if of_itself and is_held(bound, token) else _begin(call(arguments, named), bound, plan)

    def end(record: probe.Record, opened: object, arguments: Arguments) -> None:
        thing = arguments[0] if of_itself else opened
        _opened(record, token(thing))
        look_at_subclass(thing, kind)

    originals = [inspect.getattr_static(owner, opening, None) for owner in owners]
    functions = [original.__func__ if isinstance(original, classmethod) else original for original in originals]
    if not all(callable(function) for function in functions):
        raise TypeError(f"there is no function {opening} that opens a {kind.__qualname__}")
    resources.register(call, lambda made, _: describe(made.arguments, made.named))  # type: ignore[attr-defined]
    for owner, original, function in zip(owners, originals, functions, strict=True):
        if class_patches.is_ours(function):  # a class method does not show it itself
            continue
        wrapper = awaited.function(function, _OPENING, before=begin, after=end, failed=probe.failed)
        value: object = classmethod(wrapper) if isinstance(original, classmethod) else wrapper
        class_patches.replace(owner, opening, value)
    patch_closing(kind, closing, token, {})
    if entered is not None:
        register(kind, entered, token)
        class_patches.patch_manager(kind, any_task=True)


def is_open(opened: object) -> bool:
    """Whether this is held since the call that opened it, so that entering it is nothing new."""
    tokens = tracer.current.of(Opened).tokens
    token = next((tokens[id(kind)] for kind in mro(type(opened)) if id(kind) in tokens), None)
    return token is not None and is_held(opened, token)


def check_functions(kind: type, *names: str) -> tuple[str, ...]:
    """These names, all of which are functions of the class.

    Raises:
        TypeError: one of them is missing.
    """
    for name in names:
        if not callable(getattr(kind, name, None)):
            raise TypeError(f"{kind.__qualname__} has no function {name}")
    return names


def is_held(opened: object, token: Token) -> bool:
    """Whether this is held since the call that opened it; ``token(opened)`` is what it is known by."""
    try:
        return held_tokens.is_surely_held(token(opened))
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("finding out whether a {} is open", error, kind=type(opened))
        return False


def _named_by_call(describe: Describe, opening: str) -> Describe:
    """Call what ``self._producer.start()`` opens "producer"."""

    def describe_named(opened: object, expression: str) -> Description:
        description = describe(opened, expression)
        if description.name is None:
            return description._replace(name=sites.owner_name(expression, opening))
        return description

    return describe_named


def register(kind: type, describe: Describe, token: Token) -> None:
    """Let an adapter describe what is entered and not open yet."""

    def describe_closed(manager: object, expression: str) -> Description:
        if is_held(manager, token):
            return NOTHING
        description = describe(manager, expression)
        # Said even where it is the manager's own: what calls something else is asked about at every entry.
        return description if description.enter else description._replace(enter="__aenter__")

    tracer.current.of(Opened).tokens[id(kind)] = token
    resources.register(kind, describe_closed)


def _begin(described: object, bound: object, plan: _Plan) -> probe.Record | None:
    frame = sys._getframe(2).f_back  # noqa: SLF001  # who called our wrapper; there is no other way to the caller
    if frame is None or not plan.predicate(bound):
        return None
    try:
        task, site = acquire_release.who(
            acquire_release.overriding(frame, bound, plan.attribute), plan.kind, plan.names[0]
        )
        record = probe.enter(described, site, task=task) if site else None
        if record is not None:
            resources.called_at(site, *plan.names)
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("finding out who opens a {}", error, kind=plan.kind)
        return None
    return record


def _opened(record: probe.Record, token: object) -> None:
    probe.acquired(record)
    try:
        held_tokens.hold(token, record, end_dropped)
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("remembering who opened a {}", error, kind=type(token))


def end_dropped(record: probe.Record) -> None:
    """End what nothing refers to any more and nobody closed."""
    probe.leaving(record, None)
    probe.failed(record, NeverClosed(_NOBODY))


def patch_closing(
    kind: type,
    closing: Iterable[str],
    token: Token,
    only_if: Mapping[str, Predicate],
    noting: Callable[[object], None] | None = None,
) -> None:
    """Let each of these methods, and ``__aexit__``, end what is held; ``noting(object)`` is called then."""
    opened = tracer.current.of(Opened)
    opened.classes.append(kind)

    def wrap(original: Method, name: str) -> Method:
        begin = _closing(token, only_if.get(name, _always), kind)
        is_awaited = inspect.iscoroutinefunction(inspect.unwrap(original))
        function: Callable[..., Method] = (awaited if is_awaited else immediate).function
        return function(original, _CLOSING, before=begin, after=closed, failed=probe.failed)

    def closed(record: probe.Record, value: object, arguments: Arguments) -> None:
        probe.released(record, value)
        if noting is not None:
            noting(arguments[0])

    opened.closing[id(kind)] = tuple(closing), wrap
    for name in closing:
        original = getattr(kind, name)
        if not class_patches.is_ours(original):  # a base class's is patched already
            class_patches.replace(kind, name, wrap(original, name))
    leave = getattr(kind, "__aexit__", None)
    if leave is not None and not class_patches.is_ours(leave):
        wrapper = awaited.function(leave, _CLOSING, before=_leaving(token), after=closed, failed=probe.failed)
        del wrapper.__tenure__  # type: ignore[attr-defined]  # so that the class's patch as a manager goes around it
        class_patches.replace(kind, "__aexit__", wrapper)


def look_at_subclass(opened: object, kind: type) -> None:
    """Called when an object of this class or a subclass is open: the subclass may close in its own way."""
    if type(opened) is not kind:
        closing = tracer.current.of(Opened).closing.get(id(kind))
        if closing is not None:
            overridden_closing.patch(type(opened), kind, *closing)


def _closing(token: Token, ends: Predicate, kind: type) -> Begin:
    def begin(arguments: Arguments, _: dict[str, object]) -> probe.Record | None:
        if not tracer.current.held_tokens or not arguments or not issubclass(type(arguments[0]), kind):
            return None
        if not ends(arguments[0]):
            return None
        record = held_tokens.give_back(token(arguments[0]))
        if record is None or sys._getframe(2).f_code.co_name != "__del__":  # noqa: SLF001  # no other way to the caller
            return record
        probe.failed(record, NeverClosed(_NOBODY))  # it closes itself because it was dropped
        return None

    return begin


def _leaving(token: Token) -> Begin:
    def begin(arguments: Arguments, named: dict[str, object]) -> probe.Record | None:
        if not tracer.current.held_tokens or not arguments:
            return None
        errors = (value for value in (*arguments[1:], *named.values()) if issubclass(type(value), BaseException))
        error = cast("BaseException | None", next(errors, None))
        return held_tokens.give_back(token(arguments[0]), error)

    return begin

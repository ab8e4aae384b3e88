"""Which resource a manager stands for.

An adapter that knows a type says so once:

    register(asyncio.Lock, describe)        describe(manager, expression) -> Description

and every manager of that type or a subclass of it is then known by its description. ``patched(asyncio.Lock)`` says
besides that the class itself reports its lifecycles, so that rewritten code which enters one marks it (see
``tenure.probe``). Both may be called at any time; the nearest class in a type's order of inheritance counts.

A description whose ``subject`` is an object is a resource as long as that object lives: the same object is the same
resource. Without a subject it is one resource by kind, name and site. The subject is not kept alive.

``name`` gives an object its name, whatever its type (``tenure.track``).

Where no adapter knows the type, the site's habit decides. A site is watched for its first WATCHED entries: an object
that comes back is a resource of its own; objects that are each entered once and then die, or that a call in the
expression makes anew, are one resource by kind and site.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import NamedTuple

from tenure.failures import type_name
from tenure.sites import Site, resource_name

WATCHED = 8  # entries of a site after which its habit is settled
MAX_TYPES = 2_000  # types whose plan is remembered


class Description(NamedTuple):
    """What an adapter knows of a manager.

    ``name`` None: made from the expression at the first site. ``enter`` and ``exit``: the calls by which the resource
    is taken and given back, where they are not the manager's own; "" is the manager's own, ``__aenter__`` or
    ``__enter__`` ("acquire" where the program wrote ``pool.acquire()``).
    """

    kind: str
    subject: object | None
    name: str | None = None
    capacity: int | None = None
    stereotype: str = "participant"
    enter: str = ""
    exit: str = ""


class Resource(NamedTuple):
    """The thing that is held, as it travels."""

    id: int
    kind: str
    name: str
    capacity: int | None
    stereotype: str


Describe = Callable[[object, str], Description]

table: dict[int, Resource] = {}  # by id; entries of one-use objects stay, those of subjects go when the ledger let go
calls: dict[str, tuple[str, str]] = {}  # enter and exit of the sites that call others than the manager's own
settled: dict[type, dict[str, int]] = {}  # type, then site: the resource, where nothing else need be asked any more

_numbers = itertools.count(1)
_described: dict[type, Describe] = {}
_patched: set[type] = set()
_plans: dict[type, _Plan] = {}
_by_subject: dict[tuple[int, str], tuple[int, weakref.ref[object]]] = {}
_by_site: dict[tuple[str, str | None, str], int] = {}
_habits: dict[tuple[str, type], _Habit] = {}
_named: dict[int, tuple[str | None, int | None, weakref.ref[object]]] = {}
_named_types: set[type] = set()
_only_named: set[type] = set()
_by_name: dict[tuple[str, str], tuple[int, weakref.ref[object]]] = {}


class _Plan(NamedTuple):
    describe: Describe | None
    patched: bool


class _Habit:
    """What a site was seen to do with one type in its first entries."""

    __slots__ = ("anew", "last", "left", "shared")

    def __init__(self, anew: bool) -> None:
        self.anew = anew  # the expression makes an object at each entry, as far as can be seen
        self.left = WATCHED
        self.shared = False  # an object came back: objects are told apart here from now on
        self.last: weakref.ref[object] | None = None


def register(kind: type, describe: Describe) -> None:
    """Let ``describe(manager, expression)`` tell the resource of managers of this type; it must not keep them."""
    _described[kind] = describe
    _forget_plans()


def patched(kind: type) -> None:
    """Say that this class reports its own lifecycles, wherever they are entered."""
    _patched.add(kind)
    _forget_plans()


def unregister(kind: type) -> None:
    """Undo ``register`` and ``patched``."""
    _described.pop(kind, None)
    _patched.discard(kind)
    _forget_plans()


def is_patched(kind: type) -> bool:
    """Whether entering a manager of this type reports itself."""
    return _plan(kind).patched


def name(manager: object, given: str | None, capacity: int | None) -> None:
    """Give an object a name and a capacity of its own; None leaves what is known without.

    Raises:
        TypeError: its type allows no weak reference.
    """
    address = id(manager)

    def gone(_: weakref.ref[object]) -> None:
        _named.pop(address, None)

    _named[address] = given, capacity, weakref.ref(manager, gone)
    _named_types.add(type(manager))
    settled.pop(type(manager), None)


def take_named(kind: type) -> None:
    """Of this class, whose patch is there for the sake of single objects, record only those that were named."""
    _only_named.add(kind)


def take_all(kind: type) -> None:
    """Record every object of this class again."""
    _only_named.discard(kind)


def is_wanted(manager: object) -> bool:
    """Whether a class patch that sees this object entered should record it."""
    return not _only_named or id(manager) in _named or type(manager) not in _only_named


def resolve(manager: object, site: str) -> int:
    """The id of the resource behind this manager, which is about to be entered at this site."""
    kind = type(manager)
    plan = _plan(kind)
    if id(manager) in _named:
        return _of_named(manager, plan, site)
    if plan.describe is not None:
        return _of_description(plan.describe(manager, Site.of(site).expression), site)
    known = _by_subject.get((id(manager), ""))
    if known is not None:
        _habit(site, kind).shared = True
        return known[0]
    return _of_unknown(manager, kind, site)


def _plan(kind: type) -> _Plan:
    plan = _plans.get(kind)
    if plan is None:
        describe = next((_described[base] for base in kind.__mro__ if base in _described), None)
        plan = _Plan(describe, any(base in _patched for base in kind.__mro__))
        if len(_plans) >= MAX_TYPES:
            _forget_plans()
        _plans[kind] = plan
    return plan


def _forget_plans() -> None:
    _plans.clear()
    settled.clear()


def _of_description(description: Description, site: str) -> int:
    kind, subject, name, capacity, stereotype, enter, exit_ = description
    if enter or exit_:
        calls[site] = enter, exit_
    if subject is None:
        return _one_use(kind, name, site, capacity, stereotype)
    known = _by_subject.get((id(subject), kind))
    if known is not None:
        return known[0]
    if name is None:
        name = resource_name(Site.of(site).expression)
    number = _new(kind, name, capacity, stereotype)
    return number if _remember(subject, kind, number) else _one_use(kind, name, site, capacity, stereotype)


def _of_named(manager: object, plan: _Plan, site: str) -> int:
    """A named object is one resource; one that took over a dead object's kind and name goes on as that resource."""
    given, capacity, reference = _named[id(manager)]
    if plan.describe is not None:
        description = plan.describe(manager, Site.of(site).expression)
    else:
        description = Description(type_name(type(manager)), manager)
    if given is None and description.subject is None:
        return _of_description(description, site)
    title = given if given is not None else description.name
    if title is None:
        title = resource_name(Site.of(site).expression)
    subject = manager if description.subject is None else description.subject
    known = _by_subject.get((id(subject), f"{description.kind} {given}"))
    if known is not None:
        return known[0]
    capacity = capacity if capacity is not None else description.capacity
    before = _by_name.get((description.kind, title))
    if before is not None and before[1]() is None:
        number = before[0]
    else:
        number = _new(description.kind, title, capacity, description.stereotype)
    _remember(subject, f"{description.kind} {given}", number)
    _by_name[description.kind, title] = number, reference
    return number


def _of_unknown(manager: object, kind: type, site: str) -> int:
    habit = _habit(site, kind)
    last = habit.last() if habit.last is not None else None
    if habit.shared or (last is not None and not habit.anew):
        number = _new(type_name(kind), resource_name(Site.of(site).expression), None, "participant")
    else:
        number = _one_use(type_name(kind), None, site, None, "participant")
    habit.left -= 1
    if habit.left <= 0 and not habit.shared and kind not in _named_types:
        settled.setdefault(kind, {})[site] = number
        return number
    if not _remember(manager, "", number):
        return _one_use(type_name(kind), None, site, None, "participant")
    habit.last = _by_subject[id(manager), ""][1]
    return number


def _habit(site: str, kind: type) -> _Habit:
    habit = _habits.get((site, kind))
    if habit is None:
        habit = _habits[site, kind] = _Habit(anew=Site.of(site).expression.endswith(")"))
    return habit


def _remember(subject: object, kind: str, number: int) -> bool:
    """Know this object again while it lives; False where its type allows no weak reference."""
    key = id(subject), kind

    def gone(_: weakref.ref[object]) -> None:
        _by_subject.pop(key, None)

    try:
        _by_subject[key] = number, weakref.ref(subject, gone)
    except TypeError:
        return False
    return True


def _one_use(kind: str, name: str | None, site: str, capacity: int | None, stereotype: str) -> int:
    key = kind, name, site
    number = _by_site.get(key)
    if number is None:
        if name is None:
            name = resource_name(Site.of(site).expression)
        number = _by_site[key] = _new(kind, name, capacity, stereotype)
    return number


def _new(kind: str, name: str, capacity: int | None, stereotype: str) -> int:
    number = next(_numbers)
    table[number] = Resource(number, kind, name, capacity, stereotype)
    return number

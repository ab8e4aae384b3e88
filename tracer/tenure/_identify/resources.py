"""Which resource a manager stands for.

An adapter that knows a type says so once:

    register(asyncio.Lock, describe)        describe(manager, expression) -> Description

and every manager of that type or a subclass of it is then known by its description. ``patched(asyncio.Lock)`` says
besides that the class itself reports its lifecycles, so that rewritten code which enters one marks it (see
``tenure._probe_api``). Both may be called at any time; the nearest class in a type's order of inheritance counts.
``name`` gives an object its name, whatever its type (``tenure.track``).

A description whose ``subject`` is an object is a resource as long as that object lives: the same object is the same
resource. Without a subject it is one resource by kind, name and site. The subject is not kept alive.

Where no adapter knows the type, the site's habit decides (``tenure._identify.single_use``).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import NamedTuple

from tenure._core.object_access import mro, type_name
from tenure._identify import pool_stats, resource_ids, single_use
from tenure._identify.sites import Site, resource_name

MAX_TYPES = 2_000  # types whose plan is remembered


class Description(NamedTuple):
    """What an adapter knows of a manager.

    ``name`` None: made from the expression at the first site. ``enter`` and ``exit``: the calls by which the resource
    is taken and given back, where they are not the manager's own; "" is the manager's own, ``__aenter__`` or
    ``__enter__`` ("acquire" where the program wrote ``pool.acquire()``). A capacity that costs something to find out is
    a function, asked when the resource is new. ``figures`` tell of the connections of a pool, the subject
    (``tenure._identify.pool_stats``). ``lasting``: this manager stands for its subject as long as both live.
    """

    kind: str
    subject: object | None
    name: str | None = None
    capacity: int | Callable[[], int | None] | None = None
    stereotype: str = "participant"
    enter: str = ""
    exit: str = ""
    figures: pool_stats.Read | None = None
    lasting: bool = False


Describe = Callable[[object, str], Description]
NOTHING = Description("", None)  # said of a manager that holds nothing: it is not recorded

calls: dict[str, tuple[str, str]] = {}  # enter and exit of the sites that call others than the manager's own

# Types are known by their addresses: a metaclass of the program's may have a hash or an equality of its own.
_described: dict[int, tuple[type, Describe]] = {}
_patched: dict[int, type] = {}
_plans: dict[int, _Plan] = {}
_own_roles: dict[int, str] = {}  # types, with a plan, whose objects were found to be resources themselves, and as what
named: dict[int, tuple[str | None, int | None, weakref.ref[object]]] = {}  # by address: name, capacity
only_named: set[int] = set()  # addresses of types, see take_named


class _Plan(NamedTuple):
    kind: type
    describe: Describe | None
    patched: bool


def register(kind: type, describe: Describe) -> None:
    """Let ``describe(manager, expression)`` tell the resource of managers of this type; it must not keep them."""
    _described[id(kind)] = kind, describe
    _forget_plans()


def patched(kind: type) -> None:
    """Say that this class reports its own lifecycles, wherever they are entered."""
    _patched[id(kind)] = kind
    _forget_plans()


def unregister(kind: type) -> None:
    """Undo ``register`` and ``patched``."""
    _described.pop(id(kind), None)
    _patched.pop(id(kind), None)
    only_named.discard(id(kind))
    _forget_plans()


def described(kind: type) -> type:
    """The nearest class of this type's that an adapter registered; the type itself where there is none."""
    return next((base for base in mro(kind) if id(base) in _described), kind)


def kind_of(manager: object) -> str:
    """The kind of the resource behind this manager, as its adapter tells it; else its type's name."""
    describe = _plan(type(manager)).describe
    return type_name(type(manager)) if describe is None else describe(manager, "").kind


def is_patched(kind: type) -> bool:
    """Whether entering a manager of this type reports itself."""
    return _plan(kind).patched


def name(manager: object, given: str | None, capacity: int | None) -> bool:
    """Give an object a name and a capacity of its own; None leaves what is known without.

    False: its type allows no weak reference.
    """
    address = id(manager)

    def gone(_: weakref.ref[object]) -> None:
        named.pop(address, None)
        resource_ids.resource_by_address.pop(address, None)

    try:
        named[address] = given, capacity, weakref.ref(manager, gone)
    except TypeError:
        return False
    resource_ids.resource_by_address.pop(address, None)
    single_use.never_settle(type(manager))
    return True


def is_named(manager: object) -> bool:
    """Whether this object was given a name or a capacity of its own."""
    return id(manager) in named


def take_named(kind: type) -> None:
    """Of this class, whose patch is there for the sake of single objects, record only those that were named."""
    only_named.add(id(kind))


def take_all(kind: type) -> None:
    """Record every object of this class again."""
    only_named.discard(id(kind))


def is_wanted(manager: object) -> bool:
    """Whether a class patch that sees this object entered should record it."""
    return not only_named or id(manager) in named or id(type(manager)) not in only_named


def resolve(manager: object, site: str) -> int:
    """The id of the resource behind this manager, which is about to be entered at this site; 0 where there is none."""
    kind = type(manager)
    plan = _plan(kind)
    if id(manager) in named:
        return _of_named(manager, plan, site)
    if plan.describe is None:
        return single_use.resolve(manager, kind, site, patched=plan.patched)
    role = _own_roles.get(id(kind))
    known = resource_ids.find(manager, role) if role is not None else 0
    if known:
        resource_ids.share(manager, known, patched=plan.patched)
        return known
    description = plan.describe(manager, Site.of(site).expression)
    if description is NOTHING:
        return 0
    if description.subject is manager and not description.enter and not description.exit:
        _own_roles[id(kind)] = description.kind
    number = _of_description(description, site)
    if description.lasting:
        resource_ids.alias(manager, description.subject, number, patched=plan.patched)
    return number


def _plan(kind: type) -> _Plan:
    plan = _plans.get(id(kind))
    if plan is None:
        bases = mro(kind)
        describe = next((_described[id(base)][1] for base in bases if id(base) in _described), None)
        plan = _Plan(kind, describe, any(id(base) in _patched for base in bases))
        if len(_plans) >= MAX_TYPES:
            _forget_plans()
        _plans[id(kind)] = plan
    return plan


def _forget_plans() -> None:
    _plans.clear()
    _own_roles.clear()
    single_use.single_use_sites.clear()
    resource_ids.resource_by_address.clear()


def _of_description(description: Description, site: str) -> int:
    kind, subject, title, capacity, stereotype, enter, leave, read, _ = description
    if enter or leave:
        calls[site] = enter, leave
    if subject is not None:
        known = resource_ids.find(subject, kind)
        if known:
            return known
        own_title = resource_name(Site.of(site).expression) if title is None else title
        number = resource_ids.new(kind, own_title, _asked(capacity), stereotype)
        if resource_ids.bind(subject, kind, number, alone=True):
            if read is not None:
                pool_stats.watch(number, subject, read)
            return number
    return resource_ids.by_site(kind, site, title, _asked(capacity), stereotype)


def _asked(capacity: int | Callable[[], int | None] | None) -> int | None:
    return capacity() if callable(capacity) else capacity


def _of_named(manager: object, plan: _Plan, site: str) -> int:
    """A named object is one resource; one that has a dead object's kind and name goes on as that resource."""
    given, capacity, _ = named[id(manager)]
    if plan.describe is not None:
        description = plan.describe(manager, Site.of(site).expression)
    else:
        description = Description(type_name(type(manager)), manager)
    if given is None:
        return _of_description(description._replace(capacity=capacity or description.capacity), site)
    if description.enter or description.exit:
        calls[site] = description.enter, description.exit
    subject = manager if description.subject is None else description.subject
    capacity = _asked(description.capacity) if capacity is None else capacity
    number = resource_ids.by_name(subject, description.kind, given, capacity, description.stereotype)
    if description.figures is not None and not pool_stats.is_watched(number):
        pool_stats.watch(number, subject, description.figures)
    if subject is manager and not description.enter and not description.exit:
        resource_ids.share(manager, number, patched=plan.patched)
    return number

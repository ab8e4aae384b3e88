"""Which resource a manager stands for.

An adapter that knows a type registers it at each start:

    register(asyncio.Lock, describe)        describe(manager, expression) -> Description

Every manager of that type or a subclass of it is then known by its description. ``patched(asyncio.Lock)`` says that the
class itself reports its lifecycles, so that rewritten code which enters one marks it (see ``tenure._probe_api``). Both
may be called at any time; the nearest class in a type's order of inheritance counts.
``name`` gives an object its name, whatever its type (``tenure.track``).

A description whose ``subject`` is an object is a resource as long as that object lives: the same object is the same
resource. Without a subject it is one resource by kind, name and site. The subject is not kept alive.

Where no adapter knows the type, the site decides by what was seen there (``tenure._identify.single_use``).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable

from tenure._core.object_access import mro
from tenure._identify import named_objects, owners, tracer
from tenure._identify.kinds import kind_name
from tenure._identify.sites import Site, resource_name
from tenure._identify.type_table import NOTHING, Describe, Description, Entered, Plan

__all__ = [
    "NOTHING",
    "Describe",
    "Description",
    "called_at",
    "described",
    "is_named",
    "is_patched",
    "is_wanted",
    "kind_of",
    "name",
    "name_class",
    "on_entry",
    "patched",
    "register",
    "resolve",
    "take_all",
    "take_named",
    "unregister",
]

_LOCK = "control"  # the stereotype of locks, semaphores and the like


def register(kind: type, describe: Describe) -> None:
    """Let ``describe(manager, expression)`` describe managers of this type; it must not keep them."""
    tracer.current.types.described[id(kind)] = kind, describe
    _clear_plans()


def patched(kind: type) -> None:
    """Say that this class reports its own lifecycles, wherever they are entered."""
    tracer.current.types.patched[id(kind)] = kind
    _clear_plans()


def on_entry(kind: type, entered: Entered) -> None:
    """Ask ``entered(manager, site)`` at each entry of this type; if it is true, the manager is held already."""
    tracer.current.types.entered[id(kind)] = entered
    _clear_plans()


def unregister(kind: type) -> None:
    """Undo ``register``, ``patched`` and ``on_entry``."""
    types = tracer.current.types
    types.described.pop(id(kind), None)
    types.entered.pop(id(kind), None)
    types.patched.pop(id(kind), None)
    types.only_named.discard(id(kind))
    _clear_plans()


def called_at(site: str, enter: str, leave: str) -> None:
    """Say that at this site the resource is taken and given back by these calls ("": the manager's own)."""
    tracer.current.calls[site] = enter, leave


def described(kind: type) -> type:
    """The nearest class of this type's that an adapter registered; the type itself where there is none."""
    registered = tracer.current.types.described
    return next((base for base in mro(kind) if id(base) in registered), kind)


def kind_of(manager: object) -> str:
    """The kind of the resource behind this manager, as its adapter describes it; else its type's name."""
    describe = tracer.current.types.plan(type(manager)).describe
    return kind_name(type(manager)) if describe is None else describe(manager, "").kind


def is_patched(kind: type) -> bool:
    """Whether entering a manager of this type reports itself."""
    return tracer.current.types.plan(kind).patched


def name(manager: object, title: str | None, capacity: int | None) -> bool:
    """Give an object a name and a capacity of its own; None leaves what is known without.

    False: its type allows no weak reference.
    """
    address, kind = id(manager), type(manager)

    def gone(_: weakref.ref[object]) -> None:
        named_objects.named.pop(address, None)
        tracer.current.resource_ids.by_address.pop(address, None)

    try:
        named_objects.named[address] = title, capacity, weakref.ref(manager, gone)
    except TypeError:
        return False
    named_objects.types[id(kind)] = kind
    tracer.current.resource_ids.by_address.pop(address, None)
    tracer.current.single_use.unsettle(kind)
    return True


def name_class(kind: type, title: str | None, capacity: int | None) -> None:
    """Give each object of a class, and of its subclasses, a name and a capacity."""
    named_objects.classes[id(kind)] = title, capacity, kind
    _clear_plans()


def is_named(manager: object) -> bool:
    """Whether this object was given a name or a capacity of its own."""
    return id(manager) in named_objects.named


def take_named(kind: type) -> None:
    """Of this class, whose patch is there for the sake of single objects, record only those that were named."""
    tracer.current.types.only_named.add(id(kind))


def take_all(kind: type) -> None:
    """Record every object of this class again."""
    tracer.current.types.only_named.discard(id(kind))


def is_wanted(manager: object) -> bool:
    """Whether a class patch that sees this object entered should record it."""
    only_named = tracer.current.types.only_named
    return not only_named or id(manager) in named_objects.named or id(type(manager)) not in only_named


def resolve(manager: object, site: str) -> int:
    """The id of the resource behind this manager, which is about to be entered at this site; 0 where there is none."""
    kind, here = type(manager), tracer.current
    plan = here.types.plan(kind)
    if plan.entered is not None and plan.entered(manager, site):
        return 0
    named = named_objects.named.get(id(manager))
    if named is not None or plan.named is not None:
        title, capacity = named[:2] if named is not None else plan.named  # type: ignore[misc]
        return _of_named(manager, plan, site, title, capacity)
    if plan.describe is None:
        return here.single_use.resolve(manager, kind, site, patched=plan.patched)
    role = here.types.own_roles.get(id(kind))
    known = here.resource_ids.find(manager, role) if role is not None else 0
    if known:
        here.resource_ids.share(manager, known, patched=plan.patched)
        return known
    description = plan.describe(manager, Site.of(site).expression)
    if description is NOTHING:
        return 0
    if description.subject is manager and not description.enter and not description.exit:
        here.types.own_roles[id(kind)] = description.kind
    number = _of_description(description, site)
    if description.lasting:
        here.resource_ids.alias(manager, description.subject, number, patched=plan.patched)
    return number


def _clear_plans() -> None:
    """Resolve every manager again: what a type's managers stand for may have changed."""
    here = tracer.current
    here.types.clear_plans()
    here.single_use.settled_sites.clear()
    here.resource_ids.by_address.clear()


def _of_description(description: Description, site: str) -> int:
    kind, subject, title, capacity, stereotype, enter, leave, read, _, capacity_of = description
    here = tracer.current
    if enter or leave:
        here.calls[site] = enter, leave
    if subject is not None:
        known = here.resource_ids.find(subject, kind)
        if known:
            return known
        if title is not None:
            number = here.resource_ids.new(kind, title, _capacity_of(capacity), stereotype)
        elif stereotype == _LOCK:
            name_of_lock = owners.name_of(subject, site)
            number = here.resource_ids.new_numbered(kind, name_of_lock, _capacity_of(capacity), stereotype)
        else:
            own_title = resource_name(Site.of(site).expression)
            number = here.resource_ids.new(kind, own_title, _capacity_of(capacity), stereotype)
        if here.resource_ids.bind(subject, kind, number, alone=True):
            if read is not None:
                here.pools.watch(number, subject, read)
            if capacity_of is not None:
                here.resource_ids.follow(number, subject, capacity_of)
            return number
    return here.resource_ids.by_site(kind, site, title, _capacity_of(capacity), stereotype)


def _capacity_of(capacity: int | Callable[[], int | None] | None) -> int | None:
    return capacity() if callable(capacity) else capacity


def _of_named(manager: object, plan: Plan, site: str, title: str | None, capacity: int | None) -> int:
    """A named object is one resource; one that has a dead object's kind and name goes on as that resource."""
    here = tracer.current
    if plan.describe is not None:
        description = plan.describe(manager, Site.of(site).expression)
    else:
        description = Description(kind_name(type(manager)), manager)
    if title is None:
        return _of_description(description._replace(capacity=capacity or description.capacity), site)
    if description.enter or description.exit:
        here.calls[site] = description.enter, description.exit
    subject = manager if description.subject is None else description.subject
    capacity = _capacity_of(description.capacity) if capacity is None else capacity
    number = here.resource_ids.by_name(subject, description.kind, title, capacity, description.stereotype)
    if description.figures is not None and number not in here.pools.watched:
        here.pools.watch(number, subject, description.figures)
    if subject is manager and not description.enter and not description.exit:
        here.resource_ids.share(manager, number, patched=plan.patched)
    return number

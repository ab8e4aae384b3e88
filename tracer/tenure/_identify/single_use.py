"""What a site does with objects of a type that no adapter knows: use one again and again, or make one for each use.

An object that comes back is a resource of its own. Objects made for one use only are one resource by kind and site, so
that the tables stay small. A site is watched while it is not clear which it is: a constructor's call in the expression,
or the death of the last object before the next one comes, speaks for one use; WATCHED such entries settle it, and from
then on nothing about the objects is looked at any more.
"""

from __future__ import annotations

import weakref

from tenure._core.object_access import short_name, type_name
from tenure._identify import resource_ids
from tenure._identify.sites import Site, constructs, resource_name

SAMPLE_SIZE = 8

# By site: the type of its one-use objects and their resource, where nothing else need be asked any more; None: ask.
single_use_sites: dict[str, tuple[type | None, int]] = {}

_usages: dict[tuple[str, int], SiteUsage] = {}  # by site and the address of the type
_never: dict[int, type] = {}  # by address
_OBJECT = ""  # the role in which an object stands for itself


class SiteUsage:
    """What was seen at one site of one type."""

    __slots__ = ("_expression", "_type_name", "is_reused", "kind", "last", "samples_left")

    def __init__(self, site: str, kind: type) -> None:
        self._expression, self._type_name = Site.of(site).expression, short_name(kind)
        self.kind = kind  # so that its address stays its own
        self.samples_left = SAMPLE_SIZE
        self.is_reused = False  # an object came back
        self.last: weakref.ref[object] | None = None

    def looks_single_use(self) -> bool:
        return self.last is None or self.last() is None or constructs(self._expression, self._type_name)


def resolve(manager: object, kind: type, site: str, *, patched: bool) -> int:
    """The id of the resource that this manager stands for, entered at this site; patched: its class reports itself."""
    habit = _usages.get((site, id(kind)))
    if habit is None:
        habit = _usages[site, id(kind)] = SiteUsage(site, kind)
    known = resource_ids.find(manager, _OBJECT)
    if known:
        habit.is_reused = True
        resource_ids.share(manager, known, patched=patched)
        return known
    full_name = type_name(kind)
    if habit.is_reused or not habit.looks_single_use():
        number = resource_ids.new(full_name, resource_name(Site.of(site).expression), None, "participant")
        if not resource_ids.bind(manager, _OBJECT, number, alone=True):
            return resource_ids.by_site(full_name, site, None, None, "participant")
    else:
        number = resource_ids.by_site(full_name, site, None, None, "participant")
        habit.samples_left -= 1
        if (
            habit.samples_left <= 0 and not patched and id(kind) not in _never
        ):  # a patched class has to be marked each time
            single_use_sites[site] = kind, number
            return number
        if not resource_ids.bind(manager, _OBJECT, number, alone=False):
            habit.samples_left = 0
            return number
    habit.last = weakref.ref(manager)
    return number


def never_settle(kind: type) -> None:
    """Go on looking at every object of this type: some of them have names."""
    _never[id(kind)] = kind
    for site in [site for site, (settled_kind, _) in list(single_use_sites.items()) if settled_kind is kind]:
        single_use_sites.pop(site, None)


def forget_all() -> None:
    """Watch every site anew; for tests."""
    single_use_sites.clear()
    _usages.clear()
    _never.clear()

"""What a site does with objects of a type that no adapter knows: use one again and again, or make one for each use.

An object that comes back is a resource of its own. Objects made for one use only are one resource by kind and site, so
that the tables stay small. A site is watched while it is not clear which it is: a constructor's call in the expression,
or the death of the last object before the next one comes, speaks for one use. SAMPLE_SIZE such entries settle it, and
from then on nothing about the objects is looked at any more.
"""

from __future__ import annotations

import weakref
from collections.abc import Container

from tenure._core import public_names
from tenure._core.object_access import short_name
from tenure._identify import named_objects
from tenure._identify.resource_ids import ResourceIds
from tenure._identify.sites import Site, constructs, resource_name

SAMPLE_SIZE = 8

_ITSELF = ""  # the role in which an object stands for itself


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


class SingleUse:
    """The sites of one recording."""

    def __init__(self, resource_ids: ResourceIds, libraries: Container[str]) -> None:
        # By site: the type of its one-use objects and their resource, where nothing else need be asked; None: ask.
        self.settled_sites: dict[str, tuple[type | None, int]] = {}
        self._usages: dict[tuple[str, int], SiteUsage] = {}  # by site and the address of the type
        self._resource_ids, self._libraries = resource_ids, libraries

    def resolve(self, manager: object, kind: type, site: str, *, patched: bool) -> int:
        """The id of the manager's resource, entered at this site; ``patched``: its class reports its entries itself."""
        resource_ids = self._resource_ids
        usage = self._usages.get((site, id(kind)))
        if usage is None:
            usage = self._usages[site, id(kind)] = SiteUsage(site, kind)
        known = resource_ids.find(manager, _ITSELF)
        if known:
            usage.is_reused = True
            resource_ids.share(manager, known, patched=patched)
            return known
        full_name = public_names.of_type(kind, self._libraries)
        if usage.is_reused or not usage.looks_single_use():
            number = resource_ids.new(full_name, resource_name(Site.of(site).expression), None, "participant")
            if not resource_ids.bind(manager, _ITSELF, number, alone=True):
                return resource_ids.by_site(full_name, site, None, None, "participant")
        else:
            number = resource_ids.by_site(full_name, site, None, None, "participant")
            usage.samples_left -= 1
            may_settle = not patched and id(kind) not in named_objects.types  # a patched class is marked each time
            if usage.samples_left <= 0 and may_settle:
                self.settled_sites[site] = kind, number
                return number
            if not resource_ids.bind(manager, _ITSELF, number, alone=False):
                usage.samples_left = 0
                return number
        usage.last = weakref.ref(manager)
        return number

    def unsettle(self, kind: type) -> None:
        """Look at every object of this type again: some of them have names."""
        for site in [site for site, (settled, _) in list(self.settled_sites.items()) if settled is kind]:
            self.settled_sites.pop(site, None)

"""The resources of one recording and what each is recognised by: an object, a name, or a kind and its site.

Objects are known by their address as long as they live. A weak reference's callback removes the address before another
object can get it; nothing here keeps an object of the program alive.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Container
from typing import NamedTuple

from tenure._core import faults
from tenure._identify.ordinals import Ordinals
from tenure._identify.sites import Site, is_late, resource_name, settled_text

MAX_NAMES = 50  # names that one-use objects may have at one site; further ones get the name that the site gives
MAX_FIRST = 2_000  # resources that are the only one of their name, for when there is a second one
MAX_NAMED = 2_000  # named resources of dead objects that are kept for the next object of that name

CapacityOf = Callable[[object], int | None]

_ALIAS = " "  # the role of an object that stands for another one's resource


class Resource(NamedTuple):
    """The thing that is held, as it travels."""

    id: int
    kind: str
    name: str
    capacity: int | None
    stereotype: str


class ResourceIds:
    """Numbers the resources from 1, and knows them again."""

    def __init__(self) -> None:
        self.table: dict[int, Resource] = {}
        self.by_address: dict[int, tuple[int, bool]] = {}  # what the probe need not ask again, see ``share``
        self._numbers = itertools.count(1)
        self._by_object: dict[tuple[int, str], tuple[int, weakref.ref[object]]] = {}
        self._by_site: dict[tuple[str, str, str | None], int] = {}
        self._by_name: dict[tuple[str, str], tuple[int, weakref.ref[object]]] = {}
        self._aliased: dict[int, weakref.ref[object]] = {}  # by address of who stands for it: the subject
        self._followed: dict[
            int, tuple[weakref.ref[object], CapacityOf]
        ] = {}  # by resource: what its capacity is read of
        self._names_left: dict[tuple[str, str], int] = {}
        self._ordinals = Ordinals()
        self._renamed: list[Resource] = []  # they got their ordinal later than their name
        self._first: dict[int, Resource] = {}  # those that are the only one of their name yet, also dead ones
        self._unnumbered: set[int] = set()  # of those that get an ordinal: whose name is not known yet
        self._dead: list[int] = []  # resources whose object died since the last batch
        self._dying: set[int] = set()  # those before

    def new(self, kind: str, name: str, capacity: int | None, stereotype: str) -> int:
        """A resource that was not there before."""
        number = next(self._numbers)
        self.table[number] = Resource(number, kind, name, capacity, stereotype)
        return number

    def new_numbered(self, kind: str, name: str, capacity: int | None, stereotype: str) -> int:
        """A new resource whose name comes from the program's source; no other one of its kind has the same."""
        number = self.new(kind, name, capacity, stereotype)
        if is_late(name):
            self._unnumbered.add(number)
        else:
            self._number(number, name)
        return number

    def settle(self, resource: Resource) -> Resource:
        """The resource by its name, which may have to be read from a source file: not for the program."""
        if not is_late(resource.name):
            return resource
        name = settled_text(resource.name)
        if resource.id in self._unnumbered:
            self._unnumbered.discard(resource.id)
            self._number(resource.id, name)
            return self.table.get(resource.id, resource._replace(name=name))
        return resource._replace(name=name)

    def _number(self, number: int, name: str) -> None:
        known = self.table.get(number)
        if known is None:
            return
        if not name:
            self.table[number] = known._replace(name="")
            return
        title, ordinal, first = self._ordinals.unique(known.kind, name, number)
        if ordinal == 1:
            if len(self._first) >= MAX_FIRST:
                self._first.clear()
            self.table[number] = self._first[number] = known._replace(name=title)
            return
        self.table[number] = known._replace(name=f"{title} #{ordinal}")
        before = self._first.pop(first, None)  # None: it has its ordinal already
        if before is not None:
            renamed = before._replace(name=f"{title} #1")
            self._renamed.append(renamed)
            if first in self.table:
                self.table[first] = renamed

    def take_renamed(self) -> list[Resource]:
        """The resources that have another name than in the batches so far."""
        renamed, self._renamed = self._renamed, []
        return renamed

    def follow(self, number: int, subject: object, capacity_of: CapacityOf) -> None:
        """Read the capacity of this resource again whenever it is shipped."""
        self._followed[number] = weakref.ref(subject), capacity_of

    def current(self, number: int) -> Resource | None:
        """The resource with the capacity that it has now; None where it was never seen, or forgotten."""
        resource, followed = self.table.get(number), self._followed.get(number)
        subject = None if followed is None else followed[0]()
        if resource is None or followed is None or subject is None:
            return resource
        try:
            capacity = followed[1](subject)
        except Exception as error:  # noqa: BLE001  # this version of the library differs
            self._followed.pop(number, None)
            faults.fault("reading the capacity of a {}", error, kind=type(subject))
            return resource
        if capacity != resource.capacity:
            resource = self.table[number] = resource._replace(capacity=capacity)
        return resource

    def find(self, subject: object, role: str) -> int:
        """The resource that this object is in this role, 0 where it has none yet."""
        entry = self._by_object.get((id(subject), role))
        return entry[0] if entry is not None else 0

    def bind(self, subject: object, role: str, number: int, *, alone: bool) -> bool:
        """Know this object again while it lives; False where its type allows no weak reference.

        ``alone``: the resource is this object's and nothing else's, and goes with it.
        """
        key = id(subject), role

        def gone(_: weakref.ref[object]) -> None:
            self._by_object.pop(key, None)
            self.by_address.pop(key[0], None)
            if alone:
                self._dead.append(number)

        try:
            self._by_object[key] = number, weakref.ref(subject, gone)
        except TypeError:
            return False
        return True

    def share(self, manager: object, number: int, *, patched: bool) -> None:
        """Let the probe know at once that this object, which is bound, is that resource whoever enters it."""
        self.by_address[id(manager)] = number, patched

    def alias(self, manager: object, subject: object, number: int, *, patched: bool) -> None:
        """``share`` for an object that stands for another one's resource as long as both live."""
        address = id(manager)

        def gone(_: weakref.ref[object]) -> None:
            self.by_address.pop(address, None)
            self._aliased.pop(address, None)

        if self.bind(manager, _ALIAS, number, alone=False):
            self._aliased[address] = weakref.ref(subject, gone)
            self.share(manager, number, patched=patched)

    def by_site(self, kind: str, site: str, name: str | None, capacity: int | None, stereotype: str) -> int:
        """The one resource of this kind (and name) at this site."""
        key = kind, site, name
        number = self._by_site.get(key)
        if number is not None:
            return number
        if name is not None:
            left = self._names_left.get((kind, site), MAX_NAMES)
            if left <= 0:
                return self.by_site(kind, site, None, capacity, stereotype)
            self._names_left[kind, site] = left - 1
        title = resource_name(Site.of(site).expression) if name is None else name
        number = self._by_site[key] = self.new(kind, title, capacity, stereotype)
        return number

    def by_name(self, subject: object, kind: str, name: str, capacity: int | None, stereotype: str) -> int:
        """The resource of an object that was given a name; it takes over from a dead object of its kind and name."""
        role = f"{kind} {name}"
        number = self.find(subject, role)
        if number:
            return number
        before = self._by_name.get((kind, name))
        is_free = before is not None and before[1]() is None
        number = before[0] if before is not None and is_free else self.new(kind, name, capacity, stereotype)
        if self.bind(subject, role, number, alone=False):
            self._by_name[kind, name] = number, self._by_object[id(subject), role][1]
            self._purge_names()
        return number

    def collect_dead(self, in_use: Container[int]) -> None:
        """Take out those whose object died and that no open lifecycle uses; called after a batch was made.

        What dies from now on stays until the next call: a record of it may lie in the buffer still.
        """
        for number in [number for number in self._dying if number not in in_use]:
            self.table.pop(number, None)
            self._unnumbered.discard(number)
            self._followed.pop(number, None)
            self._dying.discard(number)
        self._dying.update(self._dead)
        self._dead.clear()

    def _purge_names(self) -> None:
        if len(self._by_name) > MAX_NAMED:
            for key in [key for key, (_, reference) in self._by_name.items() if reference() is None]:
                number, _ = self._by_name.pop(key)
                self._dead.append(number)

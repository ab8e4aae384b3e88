"""The resources of this process and what each is recognised by: an object, a name, or a kind and its site.

Objects are known by their address as long as they live. A weak reference's callback removes the address before another
object can get it; nothing here keeps an object of the program alive.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Container
from typing import NamedTuple

from tenure._identify.sites import Site, resource_name

MAX_NAMES = 50  # names that one-use objects may have at one site; further ones get the name that the site gives
MAX_NAMED = 2_000  # named resources of dead objects that are kept for the next object of that name


class Resource(NamedTuple):
    """The thing that is held, as it travels."""

    id: int
    kind: str
    name: str
    capacity: int | None
    stereotype: str


table: dict[int, Resource] = {}

resource_by_address: dict[int, tuple[int, bool]] = {}  # by address: what ``probe`` need not ask again, see ``share``

_LENT = " "  # the role of an object that stands for another one's resource

_numbers = itertools.count(1)
_by_object: dict[tuple[int, str], tuple[int, weakref.ref[object]]] = {}
_by_site: dict[tuple[str, str, str | None], int] = {}
_by_name: dict[tuple[str, str], tuple[int, weakref.ref[object]]] = {}
_lent: dict[int, weakref.ref[object]] = {}  # by address of who stands for it: the subject
_names_left: dict[tuple[str, str], int] = {}
_dead: list[int] = []  # resources whose object died since the last batch
_dying: set[int] = set()  # those before


def new(kind: str, name: str, capacity: int | None, stereotype: str) -> int:
    """A resource that was not there before."""
    number = next(_numbers)
    table[number] = Resource(number, kind, name, capacity, stereotype)
    return number


def find(subject: object, role: str) -> int:
    """The resource that this object is in this role, 0 where it has none yet."""
    entry = _by_object.get((id(subject), role))
    return entry[0] if entry is not None else 0


def bind(subject: object, role: str, number: int, *, alone: bool) -> bool:
    """Know this object again while it lives; False where its type allows no weak reference.

    ``alone``: the resource is this object's and nothing else's, and goes with it.
    """
    key = id(subject), role

    def gone(_: weakref.ref[object]) -> None:
        _by_object.pop(key, None)
        resource_by_address.pop(key[0], None)
        if alone:
            _dead.append(number)

    try:
        _by_object[key] = number, weakref.ref(subject, gone)
    except TypeError:
        return False
    return True


def share(manager: object, number: int, *, patched: bool) -> None:
    """Let the probe know at once that this object, remembered here, is that resource whoever enters it."""
    resource_by_address[id(manager)] = number, patched


def alias(manager: object, subject: object, number: int, *, patched: bool) -> None:
    """``share`` for an object that stands for another one's resource as long as both live."""
    address = id(manager)

    def gone(_: weakref.ref[object]) -> None:
        resource_by_address.pop(address, None)
        _lent.pop(address, None)

    if bind(manager, _LENT, number, alone=False):
        _lent[address] = weakref.ref(subject, gone)
        share(manager, number, patched=patched)


def by_site(kind: str, site: str, name: str | None, capacity: int | None, stereotype: str) -> int:
    """The one resource of this kind (and name) at this site."""
    key = kind, site, name
    number = _by_site.get(key)
    if number is not None:
        return number
    if name is not None:
        left = _names_left.get((kind, site), MAX_NAMES)
        if left <= 0:
            return by_site(kind, site, None, capacity, stereotype)
        _names_left[kind, site] = left - 1
    title = resource_name(Site.of(site).expression) if name is None else name
    number = _by_site[key] = new(kind, title, capacity, stereotype)
    return number


def by_name(subject: object, kind: str, name: str, capacity: int | None, stereotype: str) -> int:
    """The resource of an object that was given a name; it takes over from a dead object of its kind and name."""
    role = f"{kind} {name}"
    number = find(subject, role)
    if number:
        return number
    before = _by_name.get((kind, name))
    number = before[0] if before is not None and before[1]() is None else new(kind, name, capacity, stereotype)
    if bind(subject, role, number, alone=False):
        _by_name[kind, name] = number, _by_object[id(subject), role][1]
        _purge_names()
    return number


def collect_dead(in_use: Container[int]) -> None:
    """Take those out of the table whose object died and that no open lifecycle uses; called after a batch was made.

    What dies from now on stays until the next call: a record of it may lie in the buffer still.
    """
    for number in [number for number in _dying if number not in in_use]:
        table.pop(number, None)
        _dying.discard(number)
    _dying.update(_dead)
    _dead.clear()


def forget_all() -> None:
    """Begin anew with number 1; for tests."""
    global _numbers  # noqa: PLW0603
    _numbers = itertools.count(1)
    for kept in (table, resource_by_address, _by_object, _by_site, _by_name, _lent, _names_left, _dead, _dying):
        kept.clear()


def _purge_names() -> None:
    if len(_by_name) > MAX_NAMED:
        for key in [key for key, (_, reference) in _by_name.items() if reference() is None]:
            number, _ = _by_name.pop(key)
            _dead.append(number)

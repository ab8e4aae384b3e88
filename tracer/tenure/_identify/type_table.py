"""What adapters say of the types of managers, in one recording."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tenure._core.object_access import mro
from tenure._identify import named_objects, pool_stats

MAX_TYPES = 2_000  # types whose plan is remembered


class Description(NamedTuple):
    """What an adapter knows of a manager.

    ``name`` None: made from the expression at the first site. ``enter`` and ``exit``: the calls by which the resource
    is taken and given back, where they are not the manager's own; "" is the manager's own, ``__aenter__`` or
    ``__enter__`` ("acquire" where the program wrote ``pool.acquire()``). A capacity that costs something to find out is
    a function, asked when the resource is new. ``figures`` reads the connections of a pool, the subject
    (``tenure._identify.pool_stats``). ``lasting``: this manager stands for its subject as long as both live. A capacity
    that the program can change is read again by ``capacity_of(subject)``, on the shipping thread: it only reads
    attributes.
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
    capacity_of: Callable[[object], int | None] | None = None


Describe = Callable[[object, str], Description]
Entered = Callable[[object, str], bool]  # a manager and the site that enters it; true: it is held already
NOTHING = Description("", None)  # said of a manager that holds nothing: it is not recorded


class Plan(NamedTuple):
    """How managers of one type are recorded."""

    kind: type
    describe: Describe | None  # None: no adapter knows it
    patched: bool  # its class reports its entries itself
    named: tuple[str | None, int | None] | None  # name and capacity of each object, as the program gave them
    entered: Entered | None  # is asked at each entry


class TypeTable:
    """Types by address: a metaclass of the program's may have a hash or an equality of its own."""

    def __init__(self) -> None:
        self.described: dict[int, tuple[type, Describe]] = {}
        self.patched: dict[int, type] = {}
        self.entered: dict[int, Entered] = {}
        self.only_named: set[int] = set()  # types of which only the objects that were named are recorded
        self.own_roles: dict[int, str] = {}  # types, with a plan, whose objects are resources themselves, and as what
        self._plans: dict[int, Plan] = {}

    def plan(self, kind: type) -> Plan:
        """How managers of this type are recorded: the nearest class in its order of inheritance counts."""
        plan = self._plans.get(id(kind))
        if plan is None:
            bases = mro(kind)
            describe = next((self.described[id(base)][1] for base in bases if id(base) in self.described), None)
            named = next((named_objects.classes[id(base)] for base in bases if id(base) in named_objects.classes), None)
            entered = next((self.entered[id(base)] for base in bases if id(base) in self.entered), None)
            is_patched = any(id(base) in self.patched for base in bases)
            plan = Plan(kind, describe, is_patched, None if named is None else named[:2], entered)
            if len(self._plans) >= MAX_TYPES:
                self.clear_plans()
            self._plans[id(kind)] = plan
        return plan

    def clear_plans(self) -> None:
        """Make every plan again."""
        self._plans.clear()
        self.own_roles.clear()

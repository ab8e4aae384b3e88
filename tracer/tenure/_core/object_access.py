"""Looking at the program's objects without running its code.

An attribute may be a property, a class may have a metaclass, a name may be a subclass of str, a hash may print: all of
that is the program's code, which runs when the program runs it and not when it is recorded. The functions here read by
the interpreter's own descriptors. Objects are known by their address; to look for a type in a set or a tuple would ask
its metaclass. ``issubclass(type(thing), Kind)``, ``Kind`` being no class of the program's, is the form of
``isinstance`` that asks the object nothing.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from types import FunctionType, GetSetDescriptorType, MappingProxyType, MemberDescriptorType
from typing import Generic, TypeVar

from tenure._core import probe_backend

if probe_backend.SERVES:
    from tenure import _probe

_V = TypeVar("_V")

_HEAP = 1 << 9  # Py_TPFLAGS_HEAPTYPE: not one of the interpreter's or a C library's static types
_OWN_TRUTH = "__bool__", "__len__"

mro: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__  # of a class, by no metaclass
_names: Callable[[type], str] = type.__dict__["__qualname__"].__get__
_short_names: Callable[[type], str] = type.__dict__["__name__"].__get__
_modules: Callable[[type], object] = type.__dict__["__module__"].__get__
_flags: Callable[[type], int] = type.__dict__["__flags__"].__get__
namespace: Callable[[type], Mapping[str, object]] = type.__dict__["__dict__"].__get__


def exact(value: object, otherwise: str = "") -> str:
    """A text that is no more than a text, whatever subclass of str it is; ``otherwise`` where it is none."""
    if type(value) is str:
        return value
    return str.__str__(value) if issubclass(type(value), str) else otherwise


def qualified_name(kind: type) -> str:
    """A class's ``__qualname__``."""
    return exact(_names(kind))


def short_name(kind: type) -> str:
    """A class's ``__name__``."""
    return exact(_short_names(kind))


def module_name(kind: type) -> str:
    """A class's ``__module__``; "" where that is no text."""
    try:
        return exact(_modules(kind))
    except AttributeError:
        return ""


def type_name(kind: type) -> str:
    """A type's qualified name, builtins without their module: "ValueError", "asyncio.locks.Lock"."""
    module = module_name(kind)
    return qualified_name(kind) if module in {"builtins", ""} else f"{module}.{qualified_name(kind)}"


def of_class(kind: type, name: str, default: object = None) -> object:
    """The value that a class, or the nearest of its bases, has under this name, unbound."""
    for base in mro(kind):
        value = namespace(base).get(name, _MISSING)
        if value is not _MISSING:
            return value
    return default


def has(kind: type, name: str) -> bool:
    """Whether this class or one of its bases has this name."""
    return of_class(kind, name, _MISSING) is not _MISSING


def _attribute(thing: object, name: str, default: object = None, /) -> object:
    """An attribute in an object's dictionary or in a slot; the default where the program's code would compute it."""
    kind = type(thing)
    declared = of_class(kind, name, _MISSING)
    if type(declared) is MemberDescriptorType or type(declared) is GetSetDescriptorType:
        try:
            return declared.__get__(thing, kind)
        except (AttributeError, TypeError):
            return default
    if declared is not _MISSING and has(type(declared), "__get__") and has(type(declared), "__set__"):
        return default
    kept = of_class(kind, "__dict__")
    if type(kept) is GetSetDescriptorType or type(kept) is MemberDescriptorType:  # the latter for modules
        held = kept.__get__(thing, kind)  # of a class, a read-only view
        value = (dict if issubclass(type(held), dict) else MappingProxyType).get(held, name, _MISSING)
        if value is not _MISSING:
            return value
    return default if declared is _MISSING or has(type(declared), "__get__") else declared


# An attribute in an object's dictionary or in a slot; the default where the program's code would compute it.
attribute: Callable[..., object] = _probe.attribute if probe_backend.SERVES else _attribute


def instance_items(thing: object) -> list[tuple[str, object]]:
    """The attributes that an object of a class written in Python has itself, in its dictionary and in its slots."""
    kind, items = type(thing), list[tuple[str, object]]()
    if not _flags(kind) & _HEAP or issubclass(kind, type):
        return items
    kept = of_class(kind, "__dict__")
    if type(kept) is GetSetDescriptorType:
        items += dict.items(kept.__get__(thing, kind))
    for base in mro(kind):
        for name, declared in namespace(base).items():
            if type(declared) is MemberDescriptorType:
                value = attribute(thing, name, _MISSING)
                if value is not _MISSING:
                    items.append((name, value))
    return items


def library_attribute(thing: object, name: str, package: str) -> object:
    """``attribute``; where that is None, what a class of this package defines: its properties and the like."""
    kept = attribute(thing, name)
    if kept is not None:
        return kept
    kind = type(thing)
    for base in mro(kind):
        declared = namespace(base).get(name, _MISSING)
        if declared is _MISSING:
            continue
        if module_name(base).partition(".")[0] != package:
            return None
        try:
            return declared.__get__(thing, kind) if hasattr(type(declared), "__get__") else declared  # type: ignore[attr-defined]
        except AttributeError:
            return None
    return None


def call_method(kind: type) -> object:
    """The function that is this class's ``__call__``; None where it is none."""
    function = of_class(kind, "__call__")
    return function if type(function) is FunctionType else None


def is_true(value: object) -> bool:
    """``bool(value)``; False where the program's code would decide."""
    kind = type(value)
    if not _flags(kind) & _HEAP:
        return bool(value)
    return not any(has(kind, name) for name in _OWN_TRUTH)


class ByIdentity(Generic[_V]):
    """Values by object, without calling its hash or equality. No object is kept alive.

    The value of an object whose type allows no weak reference is not kept.
    """

    def __init__(self) -> None:
        self._values: dict[int, tuple[_V, weakref.ref[object]]] = {}

    def __bool__(self) -> bool:
        return bool(self._values)

    def __contains__(self, thing: object) -> bool:
        return self.get(thing) is not None

    def get(self, thing: object) -> _V | None:
        """The value of this object, None where it has none."""
        entry = self._values.get(id(thing))
        return entry[0] if entry is not None and entry[1]() is thing else None

    def put(self, thing: object, value: _V) -> None:
        """Let this be the object's value from now on."""
        address, values = id(thing), self._values

        def gone(reference: weakref.ref[object]) -> None:
            entry = values.get(address)
            if entry is not None and entry[1] is reference:
                del values[address]

        try:
            values[address] = value, weakref.ref(thing, gone)
        except TypeError:
            values.pop(address, None)

    def pop(self, thing: object) -> _V | None:
        """Take the object's value out."""
        value = self.get(thing)
        if value is not None:
            self._values.pop(id(thing), None)
        return value

    def things(self) -> list[object]:
        """The objects that are alive."""
        return [thing for _, reference in list(self._values.values()) if (thing := reference()) is not None]

    def clear(self) -> None:
        """Take every value out."""
        self._values.clear()


_MISSING = object()

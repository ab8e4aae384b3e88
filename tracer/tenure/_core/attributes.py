"""Attributes of the program's objects, read without running any of its code.

``getattr`` would call properties, ``__getattr__`` and ``__getattribute__`` once more than the program does.
"""

from __future__ import annotations

from types import FunctionType, MemberDescriptorType

_namespace = type.__dict__["__dict__"].__get__
_order = type.__dict__["__mro__"].__get__


def read(thing: object, name: str, package: str = "") -> object:
    """What the object itself keeps under this name, in its dictionary or in a slot; None where it keeps nothing.

    ``package``: what a class of this package defines counts too, its properties and the like.
    """
    try:
        kept = object.__getattribute__(thing, "__dict__").get(name)
    except AttributeError:  # an object with slots alone
        kept = None
    if kept is not None:
        return kept
    for base in _order(type(thing)):
        namespace = _namespace(base)
        if name not in namespace:
            continue
        found, module = namespace[name], namespace.get("__module__")
        is_librarys = bool(package) and type(module) is str and module.partition(".")[0] == package
        if type(found) is not MemberDescriptorType and not is_librarys:
            return None
        try:
            return found.__get__(thing, type(thing)) if hasattr(type(found), "__get__") else found
        except AttributeError:
            return None
    return None


def call_method(kind: type) -> object:
    """The function that is this class's ``__call__``; None where it is none."""
    for base in _order(kind):
        namespace = _namespace(base)
        if "__call__" in namespace:
            found = namespace["__call__"]
            return found if type(found) is FunctionType else None
    return None

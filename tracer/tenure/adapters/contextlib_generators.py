"""``@asynccontextmanager``: the resource behind the handle for one use that the decorated function returns.

The handle of a function, ``transaction(connection)``, stands for the function, wherever it is called. The handle of a
method stands for its object: ``pool.acquire()`` for the pool, kind "shop.pool.Pool", with the enter call ``acquire``.
This holds for well-known method names only (``sites.TAKERS``). Another method is a separate resource of its object,
"shop.pool.Pool.method".

The capacity of an unknown pool is the first integer attribute of ``capacity``, ``maxsize``, ``max_size`` and ``size``;
properties are not called.
"""

from __future__ import annotations

import weakref
from functools import partial
from types import FunctionType, MethodType, ModuleType
from typing import cast

from tenure._core import object_access
from tenure._identify import resources, tracer
from tenure._identify.kinds import function_name, kind_name
from tenure._identify.resources import NOTHING, Describe, Description
from tenure._identify.sites import TAKERS
from tenure._patching import class_patches

CAPACITY_ATTRIBUTES = "capacity", "maxsize", "max_size", "size"
_DATABASE_WORDS = "pool", "database", "connection", "engine", "transaction", "db"  # last words of names


class _Functions:
    """What is known of generator functions. No function is kept alive."""

    def __init__(self) -> None:
        self.described: weakref.WeakKeyDictionary[object, Describe] = weakref.WeakKeyDictionary()  # by an adapter
        self.alone: weakref.WeakKeyDictionary[object, Description] = weakref.WeakKeyDictionary()  # not methods
        self.methods: weakref.WeakKeyDictionary[FunctionType, object_access.ByIdentity[bool]] = (
            weakref.WeakKeyDictionary()
        )  # of which types


def install(contextlib: ModuleType) -> None:
    """Patch the class of the handles, which is private in contextlib."""
    kind = contextlib._AsyncGeneratorContextManager  # noqa: SLF001  # there is no public name
    resources.register(kind, _handle)
    class_patches.patch_manager(kind, any_task=True)
    resources.register(contextlib._GeneratorContextManager, _handle)  # noqa: SLF001  # for rewritten `with`


def describe_by(function: object, describe: Describe) -> None:
    """Let an adapter describe the handles of a library's generator function: ``describe(handle, expression)``.

    ``handle.args`` are the arguments of the call, the bound object first.
    """
    tracer.current.of(_Functions).described[function] = describe


def _handle(manager: object, expression: str) -> Description:
    function, arguments = object_access.attribute(manager, "func"), object_access.attribute(manager, "args", ())
    if function is None:  # it was entered before: contextlib has deleted the function
        return Description(kind_name(type(manager)), None)
    functions = tracer.current.of(_Functions)
    described = functions.described.get(function) if type(function) is FunctionType else None
    if described is not None:
        return described(manager, expression)
    unbound = function.__func__ if type(function) is MethodType else function
    if (
        object_access.exact(object_access.attribute(unbound, "__module__")).partition(".")[0]
        in tracer.current.frameworks
    ):
        return NOTHING
    known = functions.alone.get(function) if type(function) is FunctionType else None
    if known is not None:
        return known
    name = object_access.exact(object_access.attribute(unbound, "__name__"))
    owner = _owner(function, arguments)
    if owner is not None:
        title = kind_name(type(owner))
        kind = title if name in TAKERS else f"{title}.{name}"
        return Description(
            kind, owner, None, partial(capacity, owner), _stereotype(object_access.short_name(type(owner))), enter=name
        )
    code = object_access.attribute(unbound, "__code__")  # a function that is defined several times has one code object
    description = Description(_kind(unbound), code, name="", stereotype=_stereotype(name))
    if type(function) is FunctionType and not _may_be_a_method(function):
        functions.alone[function] = description
    return description


def _may_be_a_method(function: FunctionType) -> bool:
    outer, _, _ = function.__qualname__.rpartition(".")
    return bool(outer) and not outer.endswith("<locals>")


def _owner(function: object, arguments: object) -> object | None:
    """Return the object of a method: the first argument, if its class has the decorated function under its name."""
    if type(function) is MethodType:
        bound = function.__self__
        return None if issubclass(type(bound), (type, ModuleType)) else bound
    if (
        type(arguments) is not tuple
        or not arguments
        or type(function) is not FunctionType
        or not _may_be_a_method(function)
    ):
        return None
    kind = type(arguments[0])
    kinds = tracer.current.of(_Functions).methods.setdefault(function, object_access.ByIdentity())
    if kind not in kinds:
        attribute = object_access.of_class(kind, function.__name__)
        while attribute is not None and attribute is not function:
            attribute = object_access.attribute(attribute, "__wrapped__")
        if attribute is None:
            return None
        kinds.put(kind, True)
    return cast("object", arguments[0])


def capacity(owner: object) -> int | None:
    """Return how many may hold this object at once, by an attribute of a well-known name; None if it has none."""
    for name in CAPACITY_ATTRIBUTES:
        value = object_access.attribute(owner, name)
        if type(value) is int and value > 0:
            return value
    return None


def _kind(function: object) -> str:
    module = object_access.exact(object_access.attribute(function, "__module__"))
    name = object_access.exact(object_access.attribute(function, "__qualname__")) or object_access.qualified_name(
        type(function)
    )
    return function_name(function, module, name.rpartition("<locals>.")[2])


def _stereotype(name: str) -> str:
    return "database" if name.lower().endswith(_DATABASE_WORDS) else "participant"

"""The kind of a resource: a name as the library exports it, not with the private module that defines it.

"anyio.TaskGroup", not "anyio._backends._asyncio.TaskGroup": one thing has one name, and a name that people can import.
"""

from __future__ import annotations

import sys

from tenure._core import object_access
from tenure._identify import tracer


def kind_name(kind: type) -> str:
    """The qualified name of a type, builtins without their module; of one in a private module its public name."""
    name = object_access.type_name(kind)
    return name if "._" not in f".{name}" else _public(kind, object_access.module_name(kind), name)


def function_name(function: object, module: str, name: str) -> str:
    """The same for a function of this module: what a decorator made of it is exported in its place."""
    full_name = f"{module}.{name}"
    return full_name if "._" not in f".{full_name}" else _public(function, module, full_name)


def _public(thing: object, module: str, full_name: str) -> str:
    """The name in the outermost package that exports the thing.

    Where none does, the private modules of a library that an adapter knows are left out.
    """
    modules, own = module.split("."), full_name[len(module) + 1 :]
    if all(not part.startswith("_") for part in modules):
        return full_name
    for count in range(1, len(modules)):
        package = ".".join(modules[:count])
        exported = object_access.attribute(sys.modules.get(package), own)
        if exported is thing or (exported is not None and object_access.attribute(exported, "__wrapped__") is thing):
            return f"{package}.{own}"
    if modules[0] not in tracer.current.libraries:
        return full_name
    return ".".join([*(part for part in modules if not part.startswith("_")), own])

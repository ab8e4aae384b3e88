"""Names of types and functions as their packages export them, not with the private module that defines them."""

from __future__ import annotations

import sys
from collections.abc import Container

from tenure._core import object_access


def of_type(kind: type, libraries: Container[str]) -> str:
    """The qualified name of a type, builtins without their module; of one in a private module its public name."""
    name = object_access.type_name(kind)
    return name if "._" not in f".{name}" else _public(kind, object_access.module_name(kind), name, libraries)


def of_function(function: object, module: str, name: str, libraries: Container[str]) -> str:
    """The same for a function of this module: what a decorator made of it is exported in its place."""
    full_name = f"{module}.{name}"
    return full_name if "._" not in f".{full_name}" else _public(function, module, full_name, libraries)


def _public(thing: object, module: str, full_name: str, libraries: Container[str]) -> str:
    """The name in the outermost package that exports the thing.

    Where none does, the private modules of one of these libraries are left out.
    """
    modules, own = module.split("."), full_name[len(module) + 1 :]
    if all(not part.startswith("_") for part in modules):
        return full_name
    for count in range(1, len(modules)):
        package = ".".join(modules[:count])
        exported = object_access.attribute(sys.modules.get(package), own)
        if exported is thing or (exported is not None and object_access.attribute(exported, "__wrapped__") is thing):
            return f"{package}.{own}"
    if modules[0] not in libraries:
        return full_name
    return ".".join([*(part for part in modules if not part.startswith("_")), own])

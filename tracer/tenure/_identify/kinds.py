"""The kind of a resource: a name as the library exports it.

"anyio.TaskGroup", not "anyio._backends._asyncio.TaskGroup": one thing has one name, and a name that people can import.
The private modules of a library that an adapter knows are left out where it exports the thing nowhere.
"""

from __future__ import annotations

from tenure._core import public_names
from tenure._identify import tracer


def kind_name(kind: type) -> str:
    """The kind of resources of this type."""
    return public_names.of_type(kind, tracer.current.libraries)


def function_name(function: object, module: str, name: str) -> str:
    """The kind of what a function of this module returns."""
    return public_names.of_function(function, module, name, tracer.current.libraries)

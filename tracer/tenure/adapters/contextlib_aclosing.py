"""contextlib.aclosing: the resource is the object that will be closed; for an async generator, its function.

A client that is held since its constructor is one lifecycle: entering ``aclosing(client)`` enters the client.
"""

from __future__ import annotations

from types import AsyncGeneratorType, ModuleType

from tenure._core import object_access
from tenure._core.object_access import mro
from tenure._identify import resources, tracer
from tenure._identify.kinds import kind_name
from tenure._identify.resources import Description
from tenure._patching import class_patches


def install(contextlib: ModuleType) -> None:
    """Patch aclosing."""
    resources.register(contextlib.aclosing, _closing)
    resources.on_entry(contextlib.aclosing, _entered)
    class_patches.patch_manager(contextlib.aclosing, any_task=True)


def _entered(manager: object, site: str) -> bool:
    thing = object_access.attribute(manager, "thing")
    by_type = tracer.current.types.entered
    entered = next((by_type[id(kind)] for kind in mro(type(thing)) if id(kind) in by_type), None)
    return entered is not None and entered(thing, site)


def _closing(manager: object, _: str) -> Description:
    thing = object_access.attribute(manager, "thing")
    if type(thing) is not AsyncGeneratorType:
        return Description(kind_name(type(thing)), thing, exit="aclose")
    module = object_access.exact(thing.ag_frame.f_globals.get("__name__")) if thing.ag_frame is not None else ""
    function = thing.__qualname__.rpartition("<locals>.")[2]
    return Description(f"{module}.{function}".lstrip("."), thing.ag_code, name="", exit="aclose")

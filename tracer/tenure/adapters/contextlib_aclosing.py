"""contextlib.aclosing: the resource is the object that will be closed; for an async generator, its function."""

from __future__ import annotations

from types import AsyncGeneratorType, ModuleType

from tenure._core import object_access
from tenure._identify import resources
from tenure._identify.kinds import kind_name
from tenure._identify.resources import Description
from tenure._patching import class_patches


def install(contextlib: ModuleType) -> None:
    """Patch aclosing."""
    resources.register(contextlib.aclosing, _closing)
    class_patches.patch_manager(contextlib.aclosing, any_task=True)


def _closing(manager: object, _: str) -> Description:
    thing = object_access.attribute(manager, "thing")
    if type(thing) is not AsyncGeneratorType:
        return Description(kind_name(type(thing)), thing, exit="aclose")
    module = object_access.exact(thing.ag_frame.f_globals.get("__name__")) if thing.ag_frame is not None else ""
    function = thing.__qualname__.rpartition("<locals>.")[2]
    return Description(f"{module}.{function}".lstrip("."), thing.ag_code, name="", exit="aclose")

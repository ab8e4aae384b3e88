"""contextlib.aclosing: what is held is the thing that will be closed; an async generator stands for its function."""

from __future__ import annotations

from types import AsyncGeneratorType, ModuleType

from tenure import looking, patching, resources
from tenure.failures import type_name
from tenure.resources import Description


def install(contextlib: ModuleType) -> None:
    """Patch aclosing."""
    resources.register(contextlib.aclosing, _closing)
    patching.patch_manager(contextlib.aclosing, moves=True)


def _closing(manager: object, _: str) -> Description:
    thing = looking.attribute(manager, "thing")
    if type(thing) is not AsyncGeneratorType:
        return Description(type_name(type(thing)), thing, exit="aclose")
    module = thing.ag_frame.f_globals.get("__name__", "") if thing.ag_frame is not None else ""
    function = thing.__qualname__.rpartition("<locals>.")[2]
    return Description(f"{module}.{function}".lstrip("."), thing.ag_code, name="", exit="aclose")

"""faststream: each message is a lifecycle, named by the function that handles it, whatever the broker."""

from __future__ import annotations

from types import ModuleType

from tenure._core.object_access import attribute, exact
from tenure._patching import class_patches
from tenure.adapters._kit import handler_sites, work_units
from tenure.adapters._kit.work_units import Unit

_HANDLING = "recording a message of faststream"  # said where it fails


def install(call_item: ModuleType) -> None:
    """Patch the item that calls a handler."""
    work_units.register()
    kind = call_item.HandlerItem
    ignored = call_item.IgnoredException  # by which a handler stops or skips

    def is_ordinary(error: BaseException) -> bool:
        return issubclass(type(error), ignored)

    class_patches.replace(kind, "call", work_units.wrap(kind.call, _HANDLING, _described, is_ordinary=is_ordinary))


def _described(item: object, _: tuple[object, ...], __: dict[str, object]) -> tuple[Unit, str]:
    handler = attribute(item, "handler")
    function = attribute(handler, "_declared_call") or attribute(handler, "_original_call")  # the latter before 0.7
    return Unit("faststream.Message", exact(attribute(function, "__name__"))), handler_sites.of_callable(function)

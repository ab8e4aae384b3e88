"""Finds the resource of a manager for a probe. Never raises; counts what could not be found."""

from __future__ import annotations

from tenure._core import faults
from tenure._identify import resources, tracer


def resource_of(site: str, manager: object) -> tuple[int, bool]:
    """The resource's id and whether the manager's class reports its entries itself; 0: this one is not recorded."""
    kind, here = type(manager), tracer.current
    if not here.is_recording or id(kind) in here.stopped:
        return 0, False
    try:
        return resources.resolve(manager, site), here.types.plan(kind).patched
    except Exception as error:  # noqa: BLE001  # an adapter met what it did not expect: the program goes on
        if not isinstance(error, RecursionError):  # that is the program's depth, and over when it comes back up
            here.stopped[id(kind)] = kind
        faults.fault("finding the resource of a {}", error, kind=kind)
        return 0, False

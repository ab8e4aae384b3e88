"""What an adapter outside Tenure may import: docs/adapters.md says what each name does.

    from tenure.adapters import api

    def install(hotel):
        api.know("hotel")
        api.register(hotel.Booking, describe)
        api.patch_manager(hotel.Booking, any_task=True)

These names are kept from version to version; other modules of Tenure are not.
"""

from __future__ import annotations

from typing import TypeVar

from tenure._core.object_access import attribute
from tenure._identify import tracer
from tenure._identify.libraries import entered_outside, know, know_framework, reach_through
from tenure._identify.pool_stats import PoolStats
from tenure._identify.resources import NOTHING, Description, register
from tenure._identify.task_names import entitle
from tenure._patching.class_patches import patch_manager
from tenure.adapters._kit.acquire_release import patch_calls
from tenure.adapters._kit.after_init import note as note_creation
from tenure.adapters._kit.constructed import patch as patch_constructor
from tenure.adapters._kit.databases import time_creation, time_creation_now
from tenure.adapters._kit.open_close import patch_function, patch_method
from tenure.adapters.contextlib_generators import describe_by

__all__ = [
    "NOTHING",
    "Description",
    "PoolStats",
    "attribute",
    "describe_by",
    "entered_outside",
    "entitle",
    "know",
    "know_framework",
    "note_creation",
    "patch_calls",
    "patch_constructor",
    "patch_function",
    "patch_manager",
    "patch_method",
    "reach_through",
    "register",
    "state",
    "time_creation",
    "time_creation_now",
]

_State = TypeVar("_State")


def state(kind: type[_State]) -> _State:
    """The current recording's one object of this class, made when it is first asked for.

    What an adapter must remember goes here: a dict in its module would outlive the recording.
    """
    return tracer.current.of(kind)

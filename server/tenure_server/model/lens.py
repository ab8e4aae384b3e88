"""A lens: what a diagram shows, and how it groups."""

from __future__ import annotations

from typing import Literal

import msgspec


class Lens(msgspec.Struct, frozen=True):
    """What a diagram shows. With no subject it is everything, the newest first to be kept.

    ``opened`` names folds that are to be shown unfolded.
    """

    trace: str | None = None
    task: str | None = None
    resource: str | None = None
    process: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None
    fold: bool = True
    opened: list[str] = []
    tasks: Literal["task", "coroutine"] = "task"
    resources: Literal["resource", "kind"] = "resource"

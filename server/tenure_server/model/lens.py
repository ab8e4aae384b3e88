"""A lens: what a diagram shows, and how it groups."""

from __future__ import annotations

from typing import Literal

import msgspec


class Lens(msgspec.Struct, frozen=True):
    """What a diagram shows. Without a subject it shows the newest lifecycles of all.

    ``trace``, ``task``, ``resource`` and ``process`` are ids; null: no restriction. The window is of acquire_ns:
    since_ns <= acquire_ns < until_ns, in ns since the Unix epoch; null: no bound. ``fold``: fold repetitions, except
    the folds whose ids are in ``opened``. ``tasks`` and ``resources`` choose what one column stands for. ``internal``:
    also what libraries and frameworks enter for their own ends.
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
    internal: bool = False

"""Omits Tenure's done callback from ``repr(task)``.

Python uses the repr when a task is shown, logged, or destroyed while it is pending. ``task._callbacks`` still has the
callback.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType

from tenure._patching import class_patches


def hide(futures: ModuleType, hidden: Callable[..., object]) -> None:
    """Omit the callback ``hidden`` from the reprs of futures and tasks by ``asyncio.base_futures``."""
    class_patches.replace(futures, "_format_callbacks", _formatting(futures._format_callbacks, hidden))  # noqa: SLF001
    class_patches.replace(futures, "_future_repr_info", _telling(futures._future_repr_info))  # noqa: SLF001


def _formatting(original: Callable[..., str], hidden: Callable[..., object]) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    def _format_callbacks(callbacks: Sequence[Sequence[object]]) -> str:
        visible = [entry for entry in callbacks if entry[0] is not hidden]
        return original(visible) if visible or not callbacks else ""

    return _format_callbacks


def _telling(original: Callable[..., list[str]]) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    def _future_repr_info(future: object) -> list[str]:
        return [part for part in original(future) if part]  # a part is empty if all callbacks are Tenure's

    return _future_repr_info

"""What ``repr(task)`` says: the callback by which the end of a task is noted is not the program's, and is left out.

Python writes it where a task is shown, logged, or destroyed while it is pending. ``task._callbacks`` has it all the
same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType

from tenure._patching import class_patches


def hide(futures: ModuleType, ours: Callable[..., object]) -> None:
    """Leave the callback ``ours`` out of what ``asyncio.base_futures`` makes of futures and tasks."""
    class_patches.replace(futures, "_format_callbacks", _formatting(futures._format_callbacks, ours))  # noqa: SLF001
    class_patches.replace(futures, "_future_repr_info", _telling(futures._future_repr_info))  # noqa: SLF001


def _formatting(original: Callable[..., str], ours: Callable[..., object]) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    def _format_callbacks(callbacks: Sequence[Sequence[object]]) -> str:
        programs = [entry for entry in callbacks if entry[0] is not ours]
        return original(programs) if programs or not callbacks else ""

    return _format_callbacks


def _telling(original: Callable[..., list[str]]) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    def _future_repr_info(future: object) -> list[str]:
        return [part for part in original(future) if part]  # without the callbacks of which none is the program's

    return _future_repr_info

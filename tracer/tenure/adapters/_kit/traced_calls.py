"""A call of a library with a record before and after it, of which the program sees nothing.

``begin(arguments, named)`` gives the record that the call belongs to, or None; ``end(record, value, arguments)`` is
called where it returned. Where it raises the record fails. Neither may raise.
"""

from __future__ import annotations

from collections.abc import Callable

from tenure import _probe_api as probe
from tenure._patching import class_patches
from tenure._patching.class_patches import Method
from tenure.adapters._kit import acquire_release

Arguments = tuple[object, ...]
Begin = Callable[[Arguments, dict[str, object]], probe.Record | None]
End = Callable[[probe.Record, object, Arguments], None]


def awaited(original: Method, begin: Begin, end: End) -> Method:
    """Around what is awaited, a coroutine function mostly. A task of nothing but this acts for who made it."""

    async def around(*arguments: object, _original: Method = original, **named: object) -> object:
        record = begin(arguments, named)
        try:
            value = await _original(*arguments, **named)  # type: ignore[misc]
        except BaseException as error:
            if record is not None:
                probe.failed(record, error)
            class_patches.strip_frame(error, around.__code__)
            del arguments, named
            raise
        if record is not None:
            end(record, value, arguments)
        return value

    acquire_release.on_behalf(around.__code__)
    return class_patches.match_coroutine_kind(original, around)


def at_once(original: Method, begin: Begin, end: End) -> Method:
    """Around what does its work while it is called."""

    def around(*arguments: object, **named: object) -> object:
        record = begin(arguments, named)
        try:
            value = original(*arguments, **named)
        except BaseException as error:
            if record is not None:
                probe.failed(record, error)
            class_patches.strip_frame(error, around.__code__)
            del arguments, named
            raise
        if record is not None:
            end(record, value, arguments)
        return value

    return around


def is_ours(function: object) -> bool:
    """Whether a patch of Tenure's stands there already."""
    return bool(getattr(function, "__tenure__", False))

"""What is in an exception group, as one line: "ValueError: bad, 2 KeyError"."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from tenure._core.object_access import short_name
from tenure._identify.exception_messages import message_of

_MAX_COUNTED = 1_000  # exceptions of one group that are looked at
_MAX_KINDS = 6  # different ones of a group that are named
_MAX_DEPTH = 3  # groups in groups

_exceptions = cast(
    "Callable[[BaseException], tuple[BaseException, ...]]", BaseExceptionGroup.__dict__["exceptions"].__get__
)


def with_contents(error: BaseException, message: str) -> str:
    """The message of an exception; of a group, Python's own message and then its contents.

    No text is cut here: it is not scrubbed yet, and a cut may split a secret.
    """
    if not issubclass(type(error), BaseExceptionGroup):
        return message
    members = _exceptions(error)
    message = message or f"({len(members)} sub-exception{'s' * (len(members) != 1)})"
    return f"{message}: {_contents(members, _MAX_DEPTH)}"


def _contents(members: tuple[BaseException, ...], depth: int) -> str:
    """Equal types once, with their number; groups by what is in them."""
    texts: dict[str, str] = {}  # by what makes two exceptions equal: what is said of one alone
    counts: dict[str, int] = {}
    for error in members[:_MAX_COUNTED]:
        kind, is_group = type(error), issubclass(type(error), BaseExceptionGroup)
        name = short_name(kind)
        if is_group:
            name = f"{name} ({_contents(_exceptions(error), depth - 1) if depth > 1 else len(_exceptions(error))})"
        if name not in counts:
            if len(counts) == _MAX_KINDS:
                continue
            message = "" if is_group else " ".join(message_of(error).split())
            texts[name] = f"{name}: {message}" if message else name
        counts[name] = counts.get(name, 0) + 1
    parts = [texts[name] if count == 1 else f"{count} {name}" for name, count in counts.items()]
    left_out = len(members) - sum(counts.values())
    return ", ".join(parts) + (f" and {left_out} more" if left_out else "")

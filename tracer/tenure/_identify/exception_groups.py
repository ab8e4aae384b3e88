"""What is in an exception group, as one line: "ValueError: bad, 2 KeyError"."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from tenure._core.object_access import short_name
from tenure._identify.exception_messages import message_of

MAX_CONTENTS = 300  # characters
_MAX_COUNTED = 1_000  # exceptions of one group that are looked at
_MAX_KINDS = 6  # different ones of a group that are named
_MAX_DEPTH = 3  # groups in groups
_MAX_MESSAGE = 80  # characters of the message of one exception

_exceptions = cast(
    "Callable[[BaseException], tuple[BaseException, ...]]", BaseExceptionGroup.__dict__["exceptions"].__get__
)


def with_contents(error: BaseException, message: str) -> str:
    """The message of an exception; of a group, Python's own message and then its contents."""
    if not issubclass(type(error), BaseExceptionGroup):
        return message
    members = _exceptions(error)
    message = message or f"({len(members)} sub-exception{'s' * (len(members) != 1)})"
    return f"{message}: {_shortened(_contents(members, _MAX_DEPTH), MAX_CONTENTS)}"


def _contents(members: tuple[BaseException, ...], depth: int) -> str:
    """Equal types once, with their number; groups by what is in them."""
    texts: dict[str, list[str]] = {}  # by what makes two exceptions equal: how each is called when it is alone
    for error in members[:_MAX_COUNTED]:
        name = short_name(type(error))
        if issubclass(type(error), BaseExceptionGroup):
            members_of = _exceptions(error)
            name = f"{name} ({_contents(members_of, depth - 1) if depth > 1 else len(members_of)})"
            texts.setdefault(name, []).append(name)
            continue
        known = texts.setdefault(name, [])
        message = "" if known else _shortened(" ".join(message_of(error).split()), _MAX_MESSAGE)
        known.append(f"{name}: {message}" if message else name)
    parts = [same[0] if len(same) == 1 else f"{len(same)} {name}" for name, same in texts.items()]
    left_out = len(members) - sum(len(same) for same in list(texts.values())[:_MAX_KINDS])
    return ", ".join(parts[:_MAX_KINDS]) + (f" and {left_out} more" if left_out else "")


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"

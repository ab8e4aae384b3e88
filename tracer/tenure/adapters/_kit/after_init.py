"""What can be known of an object only while it is made."""

from __future__ import annotations

from collections.abc import Callable

from tenure._core.object_access import qualified_name
from tenure._patching import class_patches
from tenure._patching.bodies import immediate


def note(kind: type, noting: Callable[..., None]) -> None:
    """Call ``noting(object, *arguments, **named)`` with the arguments of ``__init__``, after that succeeded."""

    def keep(*call: object) -> tuple[object, ...]:
        return call

    def made(call: tuple[object, tuple[object, ...], dict[str, object]], _: object) -> None:
        owner, arguments, named = call
        noting(owner, *arguments, **named)

    where = f"recording the creation of a {qualified_name(kind)}"
    class_patches.replace(kind, "__init__", immediate.method(kind.__init__, where, before=keep, after=made))  # type: ignore[misc]

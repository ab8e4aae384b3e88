"""What can be known of an object only while it is made."""

from __future__ import annotations

from collections.abc import Callable

from tenure._core.object_access import qualified_name
from tenure._patching import class_patches
from tenure._patching.bodies import immediate

MAKER = 3  # noting, made, the wrapper


def note(kind: type, noting: Callable[..., None]) -> None:
    """Call ``noting(object, *arguments, **named)`` with the arguments of ``__init__``, after that succeeded.

    ``sys._getframe(MAKER)`` is then the frame that makes the object.
    """

    def keep(_: object, named: dict[str, object]) -> dict[str, object]:
        return named

    def made(named: dict[str, object], _: object, arguments: tuple[object, ...]) -> None:
        noting(*arguments, **named)

    where = f"recording the creation of a {qualified_name(kind)}"
    class_patches.replace(kind, "__init__", immediate.function(kind.__init__, where, before=keep, after=made))  # type: ignore[misc]

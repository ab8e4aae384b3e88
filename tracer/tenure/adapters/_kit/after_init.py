"""What can be known of an object only while it is made."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import FunctionType

from tenure._core.object_access import qualified_name
from tenure._core.paths import PACKAGE_DIR
from tenure._core.wrapping import Method
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
    wrapper = immediate.function(kind.__init__, where, before=keep, after=made)  # type: ignore[misc]
    class_patches.replace(kind, "__init__", uncounted(wrapper))


def uncounted(wrapper: Method) -> Method:
    """Let ``warnings.warn(..., stacklevel=2)`` of a constructor name the program's line, not the wrapper's.

    ``warnings`` does not count frames of the import system, which it knows by these words in the file's name.
    """
    assert isinstance(wrapper, FunctionType)
    code = wrapper.__code__.replace(co_filename=f"{PACKAGE_DIR}{os.sep}importlib._bootstrap")
    for name, cell in zip(wrapper.__code__.co_freevars, wrapper.__closure__ or (), strict=True):
        if name == "code":  # by which the wrapper takes its frame off a traceback
            cell.cell_contents = code
    wrapper.__code__ = code
    return wrapper

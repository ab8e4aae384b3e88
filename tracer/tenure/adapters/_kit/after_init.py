"""What can be known of an object only while it is made."""

from __future__ import annotations

from collections.abc import Callable

from tenure._core import faults
from tenure._patching import class_patches


def note(kind: type, noting: Callable[..., None]) -> None:
    """Call ``noting(object, *arguments, **named)`` with the arguments of ``__init__``, after that succeeded."""
    original = kind.__init__  # type: ignore[misc]

    @class_patches.mark_as_wrapper(original)
    def init(made: object, *arguments: object, **named: object) -> None:
        try:
            original(made, *arguments, **named)
        except BaseException as error:
            try:
                class_patches.strip_frame(error, init.__code__)
            except Exception as fault:  # noqa: BLE001  # never into the program
                faults.fault("hiding a frame", fault)
            raise
        try:
            noting(made, *arguments, **named)
        except Exception as error:  # noqa: BLE001  # never into the program
            faults.fault("recording the creation of a {}", error, kind=kind)

    class_patches.replace(kind, "__init__", init)

"""Ships the records when uvicorn has shut down after a signal, before it raises the signal again.

uvicorn raises it within its event loop, so the default action ends the process: the loop never closes, and ``atexit``
does not run.
"""

from __future__ import annotations

from types import ModuleType

from tenure._core import faults
from tenure._core.loop_end import SHIPPING, loop_ended
from tenure._core.object_access import attribute, is_true
from tenure._patching import class_patches


def install(server: ModuleType) -> None:
    """Patch Server."""
    class_patches.replace(server.Server, "shutdown", _shutting_down(server.Server.shutdown))


def _shutting_down(original: class_patches.Method) -> class_patches.Method:
    """By hand: what a signal's handler raises while the records are shipped is the program's."""

    @class_patches.mark_as_wrapper(original)
    async def shutdown(server: object, *arguments: object, **named: object) -> object:
        try:
            value = await original(server, *arguments, **named)  # type: ignore[misc]
            if _is_ended_by_signal(server):
                loop_ended()
        except BaseException as error:
            try:
                class_patches.strip_frame(error, shutdown.__code__)
            except Exception as fault:  # noqa: BLE001  # then our frame is seen
                faults.fault("hiding a frame", fault)
            del server, arguments, named
            raise
        return value

    return shutdown


def _is_ended_by_signal(server: object) -> bool:
    try:
        return is_true(attribute(server, "_captured_signals"))
    except Exception as fault:  # noqa: BLE001  # never into the program
        faults.fault(SHIPPING, fault)
        return False

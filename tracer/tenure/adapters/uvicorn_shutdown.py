"""Ships the records when uvicorn has shut down after a signal, before it raises the signal again.

uvicorn raises it within its event loop, so the default action ends the process: the loop never closes, and ``atexit``
does not run.
"""

from __future__ import annotations

from types import ModuleType

from tenure._core.loop_end import loop_ended
from tenure._core.object_access import attribute, is_true
from tenure._patching import class_patches


def install(server: ModuleType) -> None:
    """Patch Server."""
    class_patches.replace(server.Server, "shutdown", _shutting_down(server.Server.shutdown))


def _shutting_down(original: class_patches.Method) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    async def shutdown(server: object, *arguments: object, **named: object) -> object:
        try:
            value = await original(server, *arguments, **named)  # type: ignore[misc]
            if is_true(attribute(server, "_captured_signals")):
                loop_ended()
        except BaseException as error:
            class_patches.strip_frame(error, shutdown.__code__)
            del server, arguments, named
            raise
        return value

    return shutdown

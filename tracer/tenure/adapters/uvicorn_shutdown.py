"""uvicorn's end by a signal: it shuts down in full, and then raises the signal once more, for the default to end it.

That is within its event loop, which never closes, and no ``atexit`` is called. So what was recorded is shipped when the
server has shut down.
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

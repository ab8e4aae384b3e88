"""granian: the requests, websockets and the lifespan of the ASGI application that its workers call.

Tasks tell requests apart: with granian's option ``--task-impl rust`` one stand-in serves for all tasks of a worker, and
what runs in it is not recorded.
"""

from __future__ import annotations

import operator
import sys
from functools import partial
from types import ModuleType

from tenure._identify import libraries, task_names
from tenure._patching import class_patches
from tenure._patching.class_patches import Method
from tenure.adapters._kit import asgi, replaced_app

_IMPORTED = "_asgi_call_wrap"  # under which the modules of its servers know the function


def install(module: ModuleType) -> None:
    """Patch what makes a worker's callback of an application, and the lifespan."""
    libraries.know("granian")
    task_names.entitle("_future_watcher_wrapper.<locals>.future_watcher", "request")
    handle = asgi.handling(operator.call, asgi.itself)
    wrapping = _wrapping(module._callback_wrapper, handle)  # noqa: SLF001  # there is no public entry
    class_patches.replace(module, "_callback_wrapper", wrapping)
    for name, server in list(sys.modules.items()):
        if name.startswith("granian.server.") and _IMPORTED in vars(server):  # it was imported before
            class_patches.replace(server, _IMPORTED, wrapping)
    lifespan = module.LifespanProtocol
    class_patches.replace(lifespan, "handle", _with_lifespan_app(lifespan.handle, handle))


def _wrapping(original: Method, handle: Method) -> Method:
    @class_patches.mark_as_wrapper(original)
    def callback_wrapper(callback: object, *arguments: object, **named: object) -> object:
        return original(partial(handle, callback), *arguments, **named)

    return callback_wrapper


def _with_lifespan_app(original: Method, handle: Method) -> Method:
    @class_patches.mark_as_wrapper(original)
    async def lifespan_handle(lifespan: object) -> object:
        with replaced_app.ReplacedApp(lifespan, "callable", handle):
            return await original(lifespan)  # type: ignore[misc]

    return lifespan_handle

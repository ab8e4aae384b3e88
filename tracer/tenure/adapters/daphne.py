"""daphne: the requests and websockets of the ASGI application that it calls; it calls no lifespan."""

from __future__ import annotations

import operator
from types import ModuleType

from tenure._identify import libraries
from tenure._patching import class_patches
from tenure._patching.class_patches import Method
from tenure.adapters._kit import asgi, replaced_app


def install(module: ModuleType) -> None:
    """Patch Server."""
    libraries.know("daphne")
    kind = module.Server
    handle = asgi.handling(operator.call, asgi.itself)
    class_patches.replace(kind, "create_application", _creating(kind.create_application, handle))


def _creating(original: Method, handle: Method) -> Method:
    @class_patches.mark_as_wrapper(original)
    def create_application(server: object, *arguments: object, **named: object) -> object:
        with replaced_app.ReplacedApp(server, "application", handle):
            return original(server, *arguments, **named)

    return create_application

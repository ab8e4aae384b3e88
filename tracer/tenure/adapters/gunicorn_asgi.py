"""gunicorn's own ASGI worker: the requests, websockets and the lifespan of the application that it calls."""

from __future__ import annotations

import operator
from functools import partial
from types import ModuleType

from tenure._core.object_access import attribute
from tenure._identify import libraries, task_names
from tenure._patching import class_patches
from tenure._patching.bodies import immediate
from tenure.adapters._kit import asgi


def install(module: ModuleType) -> None:
    """Patch ASGIWorker, which loads the application that its protocols call."""
    libraries.know("gunicorn")
    kind = module.ASGIWorker
    handle = asgi.handling(operator.call, asgi.itself)

    def loaded(_: object, __: object, worker: object) -> None:
        application = attribute(worker, "asgi")
        if application is not None:
            worker.asgi = partial(handle, application)  # type: ignore[attr-defined]

    task_names.entitle("ASGIProtocol._handle_connection", "connection")
    class_patches.replace(
        kind, "load_wsgi", immediate.enter(kind.load_wsgi, "looking at gunicorn's application", after=loaded)
    )

"""aiohttp.web: an application is held while it serves. Startup is the acquire, shutdown and cleanup are the release.

Every runner of an application calls these three: ``web.run_app``, an ``AppRunner``, aiohttp's own test server, the
worker of gunicorn. A sub-application is part of its parent's lifespan, which is also the parent of what ``cleanup_ctx``
enters.
"""

from __future__ import annotations

import weakref
from types import ModuleType

from tenure._core.wrapping import Method
from tenure._identify import tracer
from tenure._patching import class_patches
from tenure._patching.bodies import awaited
from tenure.adapters._kit import handler_sites, lifespans
from tenure.adapters._kit.lifespans import Lifespan, Served

_KIND = "aiohttp.web.Application"
_STARTING, _STOPPING = (
    "noting the startup of an application",
    "noting the end of an application",
)  # said where they fail


class _Lifespans:
    """The applications that were started."""

    def __init__(self) -> None:
        self.by_application: weakref.WeakKeyDictionary[object, Lifespan] = weakref.WeakKeyDictionary()


def install(web: ModuleType) -> None:
    """Patch Application."""
    kind = web.Application
    lifespans.know()
    class_patches.replace(kind, "startup", _starting(kind.startup))
    class_patches.replace(kind, "shutdown", _stopping(kind.shutdown, is_last=False))
    class_patches.replace(kind, "cleanup", _stopping(kind.cleanup, is_last=True))


def _starting(original: Method) -> Method:
    return awaited.enter(original, _STARTING, before=_begin, after=_started, failed=Lifespan.ended)


def _begin(application: object) -> Lifespan:
    lifespan = tracer.current.of(_Lifespans).by_application[application] = Lifespan()
    lifespan.begin(Served(_KIND, application, "cleanup"), handler_sites.of_caller("aiohttp"))
    return lifespan


def _started(lifespan: Lifespan, *_: object) -> None:
    lifespan.started()


def _stopping(original: Method, *, is_last: bool) -> Method:
    def stop(application: object) -> Lifespan:
        lifespan = _of(application)
        lifespan.stopping()
        return lifespan

    def stopped(lifespan: Lifespan, *_: object) -> None:
        if is_last:
            lifespan.ended(None)

    return awaited.enter(original, _STOPPING, before=stop, after=stopped, failed=Lifespan.ended)


def _of(application: object) -> Lifespan:
    try:
        return tracer.current.of(_Lifespans).by_application.get(application, _NEVER)
    except TypeError:  # its type allows no weak reference
        return _NEVER


_NEVER = Lifespan()  # of an application that started before recording: it never begins

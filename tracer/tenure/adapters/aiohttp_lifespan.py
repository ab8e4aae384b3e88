"""aiohttp.web: an application is held while it serves. Startup is the acquire, shutdown and cleanup are the release.

Whatever runs the application calls these three: ``web.run_app``, an ``AppRunner``, aiohttp's own test server, the
worker of gunicorn. A sub-application is part of its parent's lifespan; what ``cleanup_ctx`` enters hangs under it.
"""

from __future__ import annotations

import weakref
from types import ModuleType

from tenure._core import faults
from tenure._identify import tracer
from tenure._patching import class_patches
from tenure.adapters._kit import handler_sites, lifespans
from tenure.adapters._kit.lifespans import Lifespan, Served

_KIND = "aiohttp.web.Application"


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


def _starting(original: class_patches.Method) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    async def startup(application: object) -> object:
        lifespan = _begin(application)
        try:
            value = await original(application)  # type: ignore[misc]
        except BaseException as error:
            lifespan.ended(error)
            class_patches.strip_frame(error, startup.__code__)
            raise
        lifespan.started()
        return value

    return startup


def _stopping(original: class_patches.Method, *, is_last: bool) -> class_patches.Method:
    @class_patches.mark_as_wrapper(original)
    async def stop(application: object) -> object:
        lifespan = _of(application)
        lifespan.stopping()
        try:
            value = await original(application)  # type: ignore[misc]
        except BaseException as error:
            lifespan.ended(error)
            class_patches.strip_frame(error, stop.__code__)
            raise
        if is_last:
            lifespan.ended(None)
        return value

    return stop


def _begin(application: object) -> Lifespan:
    try:
        lifespan = tracer.current.of(_Lifespans).by_application[application] = Lifespan()
        lifespan.begin(Served(_KIND, application, "cleanup"), handler_sites.of_caller("aiohttp"))
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("noting the startup of an application", error)
        return _NEVER
    return lifespan


def _of(application: object) -> Lifespan:
    try:
        return tracer.current.of(_Lifespans).by_application.get(application, _NEVER)
    except TypeError:  # its type allows no weak reference
        return _NEVER


_NEVER = Lifespan()  # of an application that started unseen: it does not begin

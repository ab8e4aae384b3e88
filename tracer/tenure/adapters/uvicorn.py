"""uvicorn: the requests, websockets and the lifespan of the application that it calls (``tenure.adapters._kit.asgi``).

Loading a configuration selects the protocols, so they are patched then. A protocol gets the application as an argument,
or keeps it as an attribute. For the time of the call the application is replaced by one that records.
"""

from __future__ import annotations

import inspect
import operator
import sys
from collections.abc import Iterator
from functools import partial
from types import ModuleType
from typing import cast

from tenure._core import faults
from tenure._core.object_access import attribute, module_name, namespace, short_name, type_name
from tenure._identify import libraries, task_names
from tenure._patching import class_patches
from tenure._patching.bodies import immediate
from tenure._patching.class_patches import Method
from tenure.adapters._kit import asgi, replaced_app


def install(config: ModuleType) -> None:
    """Patch Config, and the protocols that are imported already."""
    libraries.know("uvicorn")
    handle = asgi.handling(operator.call, _innermost)
    class_patches.replace(config.Config, "load", _loading(config.Config.load, handle))
    for kind in _protocols():
        _patch(kind, handle)


def _loading(original: Method, handle: Method) -> Method:
    def loaded(_: object, __: object, config: object) -> None:
        try:
            _patch_all(config, handle)
        except Exception as error:  # noqa: BLE001  # whatever the library's shape, the program continues
            version = getattr(sys.modules.get("uvicorn"), "__version__", "")
            faults.fault(f"the adapter uvicorn for uvicorn.protocols {version}", error)

    return immediate.enter(original, "looking at uvicorn's configuration", after=loaded)


def _patch_all(config: object, handle: Method) -> None:
    chosen = (attribute(config, f"{name}_class") for name in ("http_protocol", "ws_protocol", "lifespan"))
    kinds = [*_protocols(), *(cast("type", kind) for kind in chosen if issubclass(type(kind), type))]
    calling = [kind for kind in kinds if _patch(kind, handle)]
    if not calling:
        raise TypeError(f"none of {', '.join(sorted(map(type_name, kinds)))} calls an application")


def _protocols() -> Iterator[type]:
    """Yield the imported classes of uvicorn's own protocols; one may pass a connection on to another."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("uvicorn.protocols.", "uvicorn.lifespan.")):
            yield from (
                kind for kind in vars(module).values() if issubclass(type(kind), type) and module_name(kind) == name
            )


def _patch(kind: type, handle: Method) -> bool:
    """Patch a class that calls an application; return whether it is one."""
    if "run_asgi" in namespace(kind):
        task_names.entitle(f"{short_name(kind)}.run_asgi", "request")
        original = cast("Method", namespace(kind)["run_asgi"])
        takes_app = "app" in inspect.signature(original).parameters
        class_patches.replace(
            kind, "run_asgi", (_with_app_argument if takes_app else _with_app_attribute)(original, handle)
        )
    elif short_name(kind) == "LifespanOn":
        class_patches.replace(kind, "main", _with_lifespan_app(cast("Method", namespace(kind)["main"]), handle))
        return False
    return "run_asgi" in namespace(kind)


def _with_app_argument(original: Method, handle: Method) -> Method:
    @class_patches.mark_as_wrapper(original)
    def run_asgi(cycle: object, app: object) -> object:
        return original(cycle, partial(handle, app))

    return run_asgi


def _with_app_attribute(original: Method, handle: Method) -> Method:
    @class_patches.mark_as_wrapper(original)
    async def run_asgi(protocol: object) -> object:
        with replaced_app.ReplacedApp(protocol, "app", handle):
            return await original(protocol)  # type: ignore[misc]

    return run_asgi


def _with_lifespan_app(original: Method, handle: Method) -> Method:
    @class_patches.mark_as_wrapper(original)
    async def main(lifespan: object) -> object:
        with replaced_app.ReplacedApp(attribute(lifespan, "config"), "loaded_app", handle):
            return await original(lifespan)  # type: ignore[misc]

    return main


def _innermost(app: object) -> object:
    """Return the program's application within uvicorn's own middlewares."""
    while module_name(type(app)).startswith("uvicorn.") and (inner := attribute(app, "app")) is not None:
        app = inner
    return app

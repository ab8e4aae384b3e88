"""aiobotocore: clients by service, the connections that their requests acquire, and the bodies of answers.

A client has a pool of connections, of aiohttp. A request acquires one until the answer is read, at the program's line.
"""

from __future__ import annotations

from types import CoroutineType, ModuleType

from tenure._core.object_access import attribute, exact
from tenure._identify import libraries, resources
from tenure._identify.resources import Description
from tenure._patching import class_patches
from tenure.adapters._kit import databases


def install(module: ModuleType) -> None:
    """Patch the classes of ``aiobotocore.session``, ``aiobotocore.httpsession`` or ``aiobotocore.response``."""
    libraries.know("aiobotocore", "botocore")
    libraries.reach_through("aiobotocore", "botocore", "aiohttp")
    if hasattr(module, "_ProxySSLTCPConnector"):
        resources.register(module._ProxySSLTCPConnector, _connector)  # noqa: SLF001  # aiohttp_connector patches its base
        return
    if hasattr(module, "AioStreamingBodyBase"):
        _patch(module.AioStreamingBodyBase, databases.one_use("aiobotocore.StreamingBody", "participant"))
        return
    _patch(module.ClientCreatorContext, _client)


def _patch(kind: type, describe: resources.Describe) -> None:
    resources.register(kind, describe)
    class_patches.patch_manager(kind, any_task=True)


def _client(handle: object, _: str) -> Description:
    coroutine = attribute(handle, "_coro")
    frame = coroutine.cr_frame if type(coroutine) is CoroutineType else None
    service = "" if frame is None else _service(frame.f_locals)
    return Description("aiobotocore.Client", None, service, enter="create_client")


def _service(variables: dict[str, object]) -> str:
    """The service of a client that is about to be made, from the variables of a coroutine that has not begun.

    It is the method's own or a decorator's, which has the arguments of the call.
    """
    arguments, named = variables.get("args"), variables.get("kwargs")
    if type(arguments) is tuple and len(arguments) > 1:
        return exact(arguments[1])
    return exact((named if type(named) is dict else variables).get("service_name"))


def _connector(connector: object, _: str) -> Description:
    limit = attribute(connector, "_limit")
    capacity = limit if type(limit) is int and limit > 0 else None
    return Description("aiobotocore.ConnectionPool", connector, "", capacity)

"""aiohttp's connector: a pool with as many connections as its limit, of which each request acquires one.

A connection is held until the response was read, released or closed, whether the program entered the request or only
awaited it. A request that waits for the pool waits here. If the connector has a limit for each host, each host is a
resource with that limit. The connector itself is a resource besides, as soon as its whole limit can bind: a request
waits for the one that has no free place.
"""

from __future__ import annotations

import sys
import weakref
from types import ModuleType
from typing import NamedTuple, cast

from tenure import _probe_api as probe
from tenure._core.object_access import ByIdentity, attribute, exact, library_attribute
from tenure._identify import resources, tracer
from tenure._identify.kinds import kind_name
from tenure._identify.resources import NOTHING, Description
from tenure._patching import class_patches
from tenure._patching.bodies import awaited, immediate
from tenure.adapters._kit import acquire_release, held_tokens

MAX_HOSTS = 1_000  # of a connector, that are resources of their own

_CONNECTING, _RELEASING = "finding out which host a request waits for", "releasing a connection"  # said where they fail


class _Host:
    """The places for one host: the subject of its resource."""

    __slots__ = ("__weakref__", "capacity", "connector", "name")

    def __init__(self, connector: object, name: str, capacity: int | None) -> None:
        self.connector = weakref.ref(connector)
        self.name = name
        self.capacity = capacity


class _Limits:
    """The hosts of a connector that has a limit for each, and the connections in use."""

    def __init__(self) -> None:
        self.hosts: dict[object, _Host] = {}  # by connection key
        self.in_use: ByIdentity[bool] = ByIdentity()
        self.wholes: ByIdentity[probe.Record] = ByIdentity()  # by connection: its lifecycle of the whole connector
        self.can_whole_bind = False


class _State:
    """What a recording knows of the connectors."""

    def __init__(self) -> None:
        self.limits: ByIdentity[_Limits] = ByIdentity()  # by connector
        self.host: _Host | None = None  # of the request that calls connect() now
        self.is_whole_full = False  # it waits for the whole connector


class _Request(NamedTuple):
    """A request that waits, or has its connection."""

    connector: object
    limits: _Limits
    host: _Host
    whole: probe.Record | None  # None: it does not wait for the whole connector
    task: int | None = None
    site: str = ""


def install(connector: ModuleType) -> None:
    """Patch BaseConnector, and the method that both ways to release a connection call."""
    base, connection = connector.BaseConnector, connector.Connection
    resources.register(base, _connector)
    resources.register(_Host, _host)
    acquire_release.patch_calls(
        base,
        "connect",
        "_notify_release",
        release_of=connection,
        labels=("connect", "release"),
        stand_in=_stand_in,
        predicate=lambda _: not tracer.current.of(_State).is_whole_full,
    )
    connect = awaited.method(base.connect, _CONNECTING, before=_begin, after=_connected, failed=_failed)
    class_patches.replace(base, "connect", connect, again=True)
    release = immediate.method(connection._notify_release, _RELEASING, before=_leave, after=_released)  # noqa: SLF001
    class_patches.replace(connection, "_notify_release", release, again=True)


class _Connectors:
    """The names of connectors that belong to one session."""

    def __init__(self) -> None:
        self.names: ByIdentity[str] = ByIdentity()


def name(connector: object, title: str) -> None:
    """Name the connector of a session, from its first request on."""
    names = tracer.current.of(_Connectors).names
    if connector is not None and connector not in names:
        names.put(connector, title)


def _connector(connector: object, _: str) -> Description:
    return Description(
        kind_name(type(connector)),
        connector,
        name=tracer.current.of(_Connectors).names.get(connector) or "",
        capacity=_limit(connector, "_limit"),
    )


def _host(host: object, _: str) -> Description:
    host = cast("_Host", host)
    connector = host.connector()
    describe = tracer.current.types.plan(type(connector)).describe
    if describe is None:
        return NOTHING
    return describe(connector, "")._replace(subject=host, name=host.name, capacity=host.capacity)


def _limit(connector: object, name: str) -> int | None:
    limit = attribute(connector, name)
    return limit if type(limit) is int and limit > 0 else None


def _stand_in(connector: object) -> object:
    return tracer.current.of(_State).host or connector


def _begin(connector: object, arguments: tuple[object, ...], named: dict[str, object]) -> _Request | None:
    state = tracer.current.of(_State)
    state.host, state.is_whole_full = None, False
    most = _limit(connector, "_limit_per_host")
    if most is None:
        return None
    limits = state.limits.get(connector)
    if limits is None:
        limits = _Limits()
        state.limits.put(connector, limits)
    request = arguments[0] if arguments else named.get("req")
    key = library_attribute(request, "connection_key", "aiohttp")
    host = state.host = limits.hosts.get(key) or _new_host(limits, connector, key, most)
    limit = _limit(connector, "_limit")
    if limit is None:
        return None
    if not limits.can_whole_bind and len(limits.hosts) * most > limit:
        limits.can_whole_bind = True
        for connection in limits.in_use.things():
            _hold_whole(connector, limits, connection)
    whole, task, site = None, None, ""
    if _count(attribute(connector, "_acquired")) >= limit and _in_use(connector, key) < most:
        frame = sys._getframe(1).f_back  # noqa: SLF001  # there is no other way to the caller
        if frame is not None:
            state.is_whole_full = True
            task, site = acquire_release.who(frame, type(connector), "connect")
        whole = probe.enter(connector, site, task=task) if site else None
        if whole is not None:
            resources.called_at(site, "connect", "release")
    return _Request(connector, limits, host, whole, task, site)


def _new_host(limits: _Limits, connector: object, key: object, most: int) -> _Host:
    if len(limits.hosts) >= MAX_HOSTS:
        key, most = None, 0
        if None in limits.hosts:
            return limits.hosts[None]
    host, port = (library_attribute(key, part, "aiohttp") for part in ("host", "port"))
    host = exact(host)
    name = f"[{host}]" if ":" in host else host
    place = limits.hosts[key] = _Host(connector, f"{name}:{port}" if name and port else name, most or None)
    return place


def _count(connections: object) -> int:
    return len(connections) if type(connections) is set else 0


def _in_use(connector: object, key: object) -> int:
    by_host = attribute(connector, "_acquired_per_host")
    return _count(dict.get(cast("dict[object, object]", by_host), key)) if issubclass(type(by_host), dict) else 0


def _connected(request: _Request, connection: object) -> None:
    connector, limits, host, whole, task, site = request
    limits.in_use.put(connection, True)
    if whole is None:
        if limits.can_whole_bind:
            _hold_whole(connector, limits, connection)
        return
    probe.acquired(whole)
    limits.wholes.put(connection, whole)
    record = probe.enter(host, site, task=task)
    if record is not None:
        probe.acquired(record)
        held_tokens.hold(connection, record)


def _hold_whole(connector: object, limits: _Limits, connection: object) -> None:
    """Let a connection of a host be one of the whole connector too."""
    of_host = held_tokens.newest(connection)
    if of_host is None or limits.wholes.get(connection) is not None:
        return
    record = probe.enter(connector, cast("str", of_host[probe.SITE]), task=cast("int", of_host[probe.TASK]))
    if record is not None:
        probe.acquired(record)
        limits.wholes.put(connection, record)


def _failed(request: _Request, error: BaseException) -> None:
    if request.whole is not None:
        probe.failed(request.whole, error)


def _leave(connection: object, *_: object) -> probe.Record | None:
    limits = tracer.current.of(_State).limits.get(attribute(connection, "_connector"))
    record = limits.wholes.pop(connection) if limits is not None else None
    if record is not None:
        probe.leaving(record, None)
    return record


def _released(record: probe.Record, _: object) -> None:
    probe.released(record, None)

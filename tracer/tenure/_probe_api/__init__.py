"""The hot path: what the four stamps around an ``async with`` do.

A lifecycle is a *record* (``tenure._core.record_layout``) while it runs: in the buffer from its acquire, and filled in
there, so that the shipping thread sees open lifecycles too. No record refers to an object of the program. There are two
probes that do the same, the extension ``tenure._probe`` and ``tenure._probe_api.pure_probe``;
``tenure._core.probe_backend`` says which one serves. Rewritten code calls them as ``tenure._rewriting.stamps`` writes.

An adapter's class patch calls these; none of them raises:

    record = enter(manager)       None: this entry is recorded already, or recording is off; pass through
    acquired(record)              __aenter__ returned
    leaving(record, error)        __aexit__ was called, by whatever task; error is the body's exception or None
    released(record, value)       __aexit__ returned this: true suppresses the exception of the body
    failed(record, error)         __aenter__ or __aexit__ raised; this ends the lifecycle

One lifecycle is recorded once: a manager of a patched type (``resources.patched``) that is about to be entered is
*marked* for its task. Until it is acquired, ``enter`` passes over it there, also through ``super().__aenter__()``.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from time import perf_counter_ns
from typing import Protocol

from tenure._core import faults, object_access, probe_backend
from tenure._core.paths import is_own_frame
from tenure._core.record_layout import (
    ACQUIRE,
    ACQUIRED,
    BODY,
    RAISED,
    RELEASE,
    RELEASED,
    RELEASER,
    RESOURCE,
    SITE,
    TASK,
    WENT_ON,
    Record,
)
from tenure._identify import (
    call_site_cache,
    cancellation,
    libraries,
    lookup,
    named_objects,
    releasing,
    resources,
    sites,
    tasks,
    tracer,
)
from tenure._identify.exceptions import failure_of
from tenure._identify.tracer import ContextReader
from tenure._probe_api import entering_frame

__all__ = [
    "ACQUIRE",
    "ACQUIRED",
    "BODY",
    "RAISED",
    "RELEASE",
    "RELEASED",
    "RELEASER",
    "RESOURCE",
    "SITE",
    "TASK",
    "WENT_ON",
    "Record",
    "acquired",
    "begin",
    "body_raised",
    "enter",
    "enter_at",
    "enter_wrapped",
    "failed",
    "helper_begin",
    "leaving",
    "observe",
    "prepare",
    "raised",
    "released",
    "set_clock",
    "set_context",
    "start",
    "stop",
]


class Observer(Protocol):
    """Is shown every record when it begins, before its manager is entered."""

    def began(self, manager: object, record: Record, *, rewritten: bool) -> None:
        """``rewritten``: rewritten code enters the manager, else a class patch saw it. It never raises."""


_observers: list[Observer] = []  # at most one: `tenure doctor`


class _EnterAt(Protocol):
    def __call__(self, site: str, manager: object, task: int | None = None) -> Record: ...


begin: Callable[..., Record]
body_raised: Callable[..., None]
raised: Callable[..., None]
acquired: Callable[..., None]
leaving: Callable[..., None]
released: Callable[..., None]
failed: Callable[..., None]
enter_at: _EnterAt  # a record of a manager that is entered at once; task None: the running one
_is_marked: Callable[[object], bool]

if probe_backend.SERVES:
    from tenure import _probe
    from tenure._probe import acquired, begin, body_raised, failed, leaving, raised, released
    from tenure._probe import is_marked as _is_marked

    def enter_at(site: str, manager: object, task: int | None = None) -> Record:
        record = _probe.begin(site, manager) if task is None else _probe.begin(site, manager, task)
        +record  # noqa: B018  # enters
        return record

else:
    from tenure._probe_api import pure_probe
    from tenure._probe_api.pure_probe import (
        acquired,
        begin,
        body_raised,
        enter_at,
        failed,
        leaving,
        raised,
        released,
    )
    from tenure._probe_api.pure_probe import is_marked as _is_marked


def prepare(owner: str, clock: Callable[[], int] | None = None) -> None:
    """Put a new tracer in the old one's place, for ``owner``; ``clock`` gives ns in place of ``perf_counter_ns``.

    Nothing is recorded until ``start``.

    Raises:
        UsageError: a recording has begun and not ended.
    """
    tracer.begin(owner, clock)
    tasks.bind()
    _bind()


def set_clock(clock: Callable[[], int] | None) -> None:
    """Read this instead of the clock; None: the clock."""
    tracer.current.clock = clock or perf_counter_ns
    _bind()


def set_context(reader: ContextReader | None) -> None:
    """Read this where a lifecycle begins (``tenure._identify.otel_context``); None: nothing."""
    tracer.current.context = reader
    _bind()


def start() -> None:
    """Record from now on."""
    tracer.current.is_recording = True
    if probe_backend.SERVES:
        _configure()
        _probe.start()


def observe(observer: Observer | None) -> None:
    """Show every record to this observer from now on; None: to none.

    For rewritten code it holds once its helpers are provided again (``rewriter.provide_helpers``).
    """
    call_site_cache.pause(paused=observer is not None)
    _observers[:] = [] if observer is None else [observer]


def helper_begin() -> Callable[..., Record]:
    """What rewritten code calls as ``begin``."""
    return _begin_observed if _observers else begin


def _begin_observed(site: str, *details: object) -> Record:
    record = begin(site, *details)
    for observer in _observers:
        observer.began(details[0 if probe_backend.SERVES else 1], record, rewritten=True)
    return record


def enter_wrapped(site: str, manager: object) -> Record:
    """``enter_at`` for rewritten code that enters a wrapper in the manager's place."""
    record = enter_at(site, manager)
    for observer in _observers:
        observer.began(manager, record, rewritten=True)
    return record


def stop() -> None:
    """Record nothing more; rewritten code and class patches that stay behind pass through."""
    tracer.current.is_recording = False
    if probe_backend.SERVES:
        _probe.stop()
    else:
        pure_probe.stop()
    call_site_cache.clear()
    tracer.current.single_use.settled_sites.clear()
    tracer.current.resource_ids.by_address.clear()


def enter(manager: object, site: str | None = None, *, task: int | None = None, sync: bool = False) -> Record | None:
    """Begin the lifecycle of a manager whose class patch is being called; sync: by its ``__enter__``.

    Where the adapter does not give them, the site is the nearest caller outside Tenure and contextlib, and the task is
    the running one. What asyncio enters within itself is not recorded.
    """
    try:
        if not tracer.current.is_recording or _is_marked(manager) or not resources.is_wanted(manager):
            return None
        site = site or _site_of_caller(manager, call_site_cache.BY_WITH if sync else call_site_cache.BY_ASYNC_WITH)
        record = enter_at(site, manager, task) if site else None
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("finding out who enters a manager", error)
        return None
    if record is None or not record[RESOURCE]:
        return None
    for observer in _observers:
        observer.began(manager, record, rewritten=False)
    return record


def _site_of_caller(manager: object, manner: int) -> str:
    """The site that enters the manager; "" where it is not recorded: a known library's own affair, or asyncio's.

    In a task that runs only a library's own coroutine, it is the line that made the task.
    """
    frame = sys._getframe(2)  # noqa: SLF001  # there is no other way to the caller
    while frame.f_back is not None and is_own_frame(frame):
        frame = frame.f_back
    entry = entering_frame.find(frame, manager)
    if entry is None:
        return ""
    if entry.is_internal and (site := libraries.program_site(manager)):
        return site
    site = entry.place.site(object_access.qualified_name(type(manager)) if entry.library else "", entry.is_internal)
    if manner == call_site_cache.BY_WITH:
        site = sites.Site.of(site)._replace(sync=True).key()
    if entry.frame is frame and frame.f_back is not None and frame.f_code.co_name not in entering_frame.ENTERS:
        if not entry.is_internal:
            call_site_cache.keep(frame, manner, site)
        elif not entry.library:
            call_site_cache.keep_internal(frame, manner, site, type(manager))
    return site


def _enter_for_patch(manager: object, sync: bool) -> Record | None:  # C calls by place
    return enter(manager, sync=sync)


def _bind() -> None:
    """Let the probe read the current tracer's clock and context."""
    here = tracer.current
    if probe_backend.SERVES:
        _probe.set_clock(None if here.clock is perf_counter_ns else here.clock)
        _probe.set_context(here.context)
    else:
        pure_probe.bind()


def _configure() -> None:
    """Give the extension what it asks of Python, of the current tracer."""
    here = tracer.current
    _probe.configure(
        single_use_sites=here.single_use.settled_sites,
        resource_by_address=here.resource_ids.by_address,
        only_named=here.types.only_named,
        named=named_objects.named,
        resource_of=lookup.resource_of,
        find_task=tasks.find,
        releaser_of=releasing.releaser_of,
        failure_of=cancellation.failure,
        enter=_enter_for_patch,
        thrown_away=failure_of(GeneratorExit()),
        current_task=asyncio.current_task,
        running_loop=asyncio._get_running_loop,  # noqa: SLF001  # documented for those who write loops
        current_tasks=getattr(asyncio.tasks, "_current_tasks", None),
        fault=faults.fault,
    )

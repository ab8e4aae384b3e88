"""Every entry of a manager that the interpreter tells of, put beside what the probe recorded.

The probe shows each record when it begins (``tenure._probe_api.observe``). The manager's own ``__aenter__`` runs right
after that, in the same thread, so that a call which was not announced there is one that was not recorded.

Not counted a second time are the ``__aenter__`` of a base class that a subclass calls, and what contextlib calls on
behalf of a manager that is recorded already.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections import Counter
from types import FrameType, FunctionType
from typing import NamedTuple, TypeVar

from tenure import _probe_api as probe
from tenure._core import buffer, faults
from tenure._core.paths import PACKAGE_DIR, is_own_frame
from tenure._identify import resources, sites
from tenure._identify.exceptions import type_name
from tenure._patching import track
from tenure._rewriting import rewriter
from tenure.adapters._kit import open_close
from tenure.doctor.call_events import ENTERS, Calls, first_argument
from tenure.doctor.faults import FaultListener
from tenure.doctor.reasons import Reasons
from tenure.doctor.sanitize import sanitize_text

REWRITTEN, ADAPTER, TRACKED = "rewritten", "adapter", "tracked"
BY_DESIGN = "by design: "  # begins the reason of what is left out and not missed
NO_ROOM = "the buffer was full"
OPEN = f"{BY_DESIGN}it is already held by the call that opened it"
FAULT = "a fault in Tenure stopped the recording of its class"

_CONTEXTLIB = contextlib.__file__
_GENERATORS = contextlib._AsyncGeneratorContextManager, contextlib._GeneratorContextManager  # noqa: SLF001  # unnamed
_REMEMBERED = 1_000  # managers of each thread


_Value = TypeVar("_Value")


class Seen(NamedTuple):
    """What is counted: a manager's type, how it was recorded ("" if it was not), else where it was entered and why."""

    type: str
    how: str
    file: str = ""
    line: int = 0
    function: str = ""
    reason: str = ""
    site: str = ""  # in place of file, line and function, while the program runs

    def settled(self) -> Seen:
        """With the line of its site, which takes some time to find."""
        if not self.site:
            return self
        site = sites.Site.of(sites.settled(self.site))
        return self._replace(
            file=sanitize_text(site.file), line=site.line, function=sanitize_text(site.function), site=""
        )


class _OfThread(threading.local):
    """Each thread counts for itself, so that none waits for another and nothing is lost between them."""

    def __init__(self, all_counts: list[Counter[Seen]]) -> None:
        self.counts: Counter[Seen] = Counter()
        self.announced: _Same | None = None  # the manager that went through the probe last
        self.doubts: dict[int, tuple[_Same, Seen]] = {}  # left out, unless a base class's patch still records them
        self.recent: dict[int, _Same] = {}  # recorded, the latest last
        all_counts.append(self.counts)


class _Same:
    """Knows an object again without keeping it alive, as far as its type allows that."""

    def __init__(self, manager: object) -> None:
        self._address, self._type = id(manager), type(manager)
        try:
            self._reference: weakref.ref[object] | None = weakref.ref(manager)
        except TypeError:
            self._reference = None

    def is_(self, manager: object) -> bool:
        if self._reference is not None:
            return self._reference() is manager
        return self._address == id(manager) and self._type is type(manager)


class Watch:
    """Counts from ``start`` to ``stop``."""

    def __init__(self, reasons: Reasons, faults: FaultListener, *, sync: bool) -> None:
        self._reasons, self._faults = reasons, faults
        self._calls = Calls(self._entered, sync=sync)
        self._counts: list[Counter[Seen]] = []
        self._here = _OfThread(self._counts)
        self.limits: list[str] = []

    @property
    def way(self) -> str:
        """What tells of the calls; "" if nothing does."""
        return self._calls.way

    def start(self) -> None:
        """Begin; a session must have begun, and rewritten code not run yet."""
        probe.observe(self)
        rewriter.provide_helpers()
        self._faults.listeners.append(self._calls.go_on)
        self._limit(self._calls.start())

    def stop(self) -> Counter[Seen]:
        """End; how often each was seen."""
        self._limit(self._calls.stop())
        probe.observe(None)
        rewriter.provide_helpers()
        total: Counter[Seen] = Counter()
        for counts in list(self._counts):
            for seen, times in dict(counts).items():
                total[seen.settled()] += times
        return +total

    def clear(self) -> None:
        """Count from zero, in a fork."""
        for counts in self._counts:
            counts.clear()

    def _limit(self, problem: str) -> None:
        if problem:
            self.limits.append(problem)

    def began(self, manager: object, record: probe.Record, *, rewritten: bool) -> None:
        """The probe made a record of this manager, which is entered next."""
        try:
            how = REWRITTEN if rewritten else TRACKED if track.is_tracked(manager) else ADAPTER
            self._began(manager, record, how)
        except Exception as error:  # noqa: BLE001  # never into the program
            faults.fault("counting a record", error)

    def _began(self, manager: object, record: probe.Record, how: str) -> None:
        self._calls.go_on()
        here = self._here
        again = here.announced is not None and here.announced.is_(manager)
        here.announced = _Same(manager)
        if record[probe.RESOURCE] and (record[probe.ACQUIRE] or buffer.has_room()):  # the native probe acquires later
            _remember(here.recent, manager, here.announced)
            here.counts[Seen(label(manager), how)] += 1
        elif open_close.is_open(manager) or not again:  # a class patch, too, may have tried
            site = str(record[probe.SITE])
            here.counts[Seen(label(manager), "", reason=self._unrecorded(manager), site=site)] += 1
        doubt = here.doubts.pop(id(manager), None)
        if doubt is not None and doubt[0].is_(manager):
            here.counts[doubt[1]] -= 1

    def _unrecorded(self, manager: object) -> str:
        """Why the probe was asked and made no record."""
        if open_close.is_open(manager):
            return OPEN
        where = sanitize_text(f"finding the resource of a {type(manager).__qualname__}")
        return FAULT if any(fault.where == where for fault in self._faults.faults) else NO_ROOM

    def _entered(self, frame: FrameType, manager: object) -> None:
        """The interpreter: this ``__aenter__`` runs."""
        if is_own_frame(frame):
            return
        site = _site_frame(frame, manager)
        here = self._here
        if site is None or (here.announced is not None and here.announced.is_(manager)):
            here.announced = None if site is not None else here.announced
            return
        if is_own_frame(site):
            return
        code = site.f_code
        reason = self._reason(site, manager)
        file, function = sanitize_text(code.co_filename), sanitize_text(code.co_qualname)
        seen = Seen(label(manager), "", file, site.f_lineno or 0, function, sanitize_text(reason))
        here.counts[seen] += 1
        if resources.is_patched(type(manager)):
            _remember(here.doubts, manager, (_Same(manager), seen))

    def _reason(self, site: FrameType, manager: object) -> str:
        is_patched = resources.is_patched(type(manager))
        if is_patched and resources.is_wanted(manager):
            return BY_DESIGN + self._reasons.why_left_out(site)
        if site.f_code.co_name in ENTERS:
            outer = first_argument(site)
            known = self._here.recent.get(id(outer))
            if known is not None and known.is_(outer):
                return f"{BY_DESIGN}it is entered within the {site.f_code.co_name} of {label(outer)}, which is recorded"
        return self._reasons.why_missed(site, is_patched=is_patched)


def _remember(known: dict[int, _Value], manager: object, value: _Value) -> None:
    known.pop(id(manager), None)
    known[id(manager)] = value
    if len(known) > _REMEMBERED:
        known.pop(next(iter(known)))


def label(manager: object) -> str:
    """The type's qualified name; of ``@asynccontextmanager`` and ``@contextmanager`` the function's.

    Of what an adapter put in a resource's place, the resource's kind.
    """
    if isinstance(manager, _GENERATORS):
        function = getattr(manager, "func", None)
        if isinstance(function, FunctionType):
            return sanitize_text(f"{function.__module__}.{function.__qualname__.replace('<locals>.', '')}()")
    if type(manager).__module__.startswith("tenure.adapters."):
        return sanitize_text(resources.kind_of(manager))
    return sanitize_text(type_name(type(manager)))


def _site_frame(frame: FrameType, manager: object) -> FrameType | None:
    """Who enters, beyond contextlib and Tenure; None: an ``__aenter__`` of the same manager, which was seen itself."""
    caller = frame.f_back
    while caller is not None:
        code = caller.f_code
        if code.co_name in ENTERS and first_argument(caller) is manager:
            return None
        if code.co_filename != _CONTEXTLIB and not code.co_filename.startswith(PACKAGE_DIR):
            break
        if caller.f_back is None:
            break
        caller = caller.f_back
    return caller

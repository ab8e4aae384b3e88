"""The tracer: everything that one recording knows. A new one stands in place of the old when recording begins.

``current`` is read where it is used, so that nothing outlives its recording. What is read on the hot path is bound once
at each begin instead: by ``pure_probe.bind`` and ``tasks.bind``, and by ``configure`` for the native probe.

Not part of it, because it is the process's: the classes and objects that the program named before (``track``), the
patched attributes to restore, the import hook, the helpers in ``builtins``, the session, the marks of instructions
(``sites``), the buffer and the counts of losses (a forked child empties them and goes on with its tracer), and the
native probe's own tables, which are emptied here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from contextvars import ContextVar
from time import perf_counter_ns
from types import CodeType, FrameType
from typing import TYPE_CHECKING, TypeVar

from tenure._core import buffer, probe_backend
from tenure._identify.exceptions import Canceller
from tenure._identify.installed_code import FrameKind, InstalledCode
from tenure._identify.open_uses import HeldToken, OpenManagers
from tenure._identify.pool_stats import PoolRegistry
from tenure._identify.resource_ids import ResourceIds
from tenure._identify.single_use import SingleUse
from tenure._identify.span_ids import CurrentSpan
from tenure._identify.task_table import TaskTable
from tenure._identify.type_table import TypeTable
from tenure.errors import UsageError

if TYPE_CHECKING:
    from tenure import wire

if probe_backend.SERVES:
    from tenure import _probe

CancellerResolver = Callable[[FrameType], Canceller | None]  # None: go on with its caller
ContextReader = ContextVar[object] | Callable[[], object]  # what gives OpenTelemetry's context

_State = TypeVar("_State")


class Tracer:
    """One recording's state; ``owner`` is who began it, as an error calls it."""

    def __init__(self, owner: str = "", clock: Callable[[], int] | None = None) -> None:
        self.owner = owner  # "": recording has ended, or none has begun
        self.clock = clock or perf_counter_ns
        self.is_recording = False
        self.is_patching = False  # tracked classes are patched at once
        self.stopped: dict[int, type] = {}  # by address: types whose recording stopped after a fault
        self.resource_ids = ResourceIds()
        self.libraries: set[str] = set()  # packages, or single modules of one, that an adapter knows
        self.single_use = SingleUse(self.resource_ids, self.libraries)
        self.pools = PoolRegistry(self.resource_ids)
        self.types = TypeTable()
        self.tasks = TaskTable()
        self.calls: dict[str, tuple[str, str]] = {}  # by site: enter and exit, where not the manager's own are called
        self.given_up: set[int] = set()  # resources that tasks give up for a while within their holds
        self.root_sites: set[str] = set()  # whose lifecycles begin a trace, whatever is held around them
        self.enclosing_nothing: set[str] = set()  # sites whose lifecycles are no parent, unless a statement enters them
        self.call_sites: dict[tuple[int, int, int], tuple[str, CodeType]] = {}  # see ``call_site_cache``
        self.frame_kinds: dict[int, FrameKind] = {}  # by address of the code, see ``frame_kinds``
        self.wire_sites: dict[str, wire.Site] = {}  # by key: scrubbed, as the tables of a batch have them
        self.known_packages: set[str] = set()  # of ``libraries``
        self.installed = InstalledCode()
        self.reached_through: dict[str, frozenset[str]] = {}  # by package: others whose calls are for its caller too
        self.frameworks: set[str] = set()  # packages whose generator functions pass on what is the program's
        self.cancellers: dict[tuple[str, str], CancellerResolver] = {}  # by file and function
        self.context: ContextReader | None = None  # None: the program has not imported OpenTelemetry
        self.current_span: CurrentSpan | None = None
        self.unsampled: OrderedDict[bytes, None] = OrderedDict()  # the last traces that the program's sampler left out
        self.open_managers = OpenManagers()
        self.held_tokens: dict[int, HeldToken] = {}  # by address of the token
        self._adapter_state: dict[type, object] = {}

    def of(self, kind: type[_State]) -> _State:
        """An adapter's state in this recording: the one object of this class, made when it is first asked for."""
        state = self._adapter_state.get(kind)
        if state is None:
            state = self._adapter_state[kind] = kind()
        return state  # type: ignore[return-value]  # by its class


current = Tracer()


def check_free() -> None:
    """Refuse to begin while something records.

    Raises:
        UsageError: a recording has begun and not ended.
    """
    if current.owner:
        raise UsageError(f"{current.owner} is recording already (end it first)")


def begin(owner: str, clock: Callable[[], int] | None = None) -> None:
    """Begin with a tracer that knows nothing; ``clock`` gives ns in place of ``perf_counter_ns``.

    Raises:
        UsageError: a recording has begun and not ended.
    """
    global current  # noqa: PLW0603  # the one place
    check_free()
    current = Tracer(owner, clock)
    buffer.clear()
    if probe_backend.SERVES:
        _probe.forget_tasks()
        _probe.forget_patched()


def end() -> None:
    """Let another recording begin. What the old one knows stays until then, for what is shipped last."""
    current.owner = ""

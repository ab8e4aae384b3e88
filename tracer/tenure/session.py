"""Recording in this process: switched on with everything that takes part in it, and off again."""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import cast

from tenure import _probe_api as probe
from tenure import adapters
from tenure._core import buffer, faults, late_imports, loop_end, probe_backend, process_scrubber
from tenure._core.process_tree import ProcessTree
from tenure._core.stderr import say
from tenure._identify import tracer
from tenure._patching import track
from tenure._rewriting import calling_code, import_hook, pytest_hook, rewriter, typed_code
from tenure._rewriting.module_filter import ModuleFilter
from tenure._rewriting.own_code import OwnCode
from tenure._sinks import otel_sinks
from tenure._sinks.collector_sink import CollectorSink
from tenure._sinks.shipper import Shipper, Sink
from tenure.errors import UsageError
from tenure.scrubbing import UserRules

DEFAULT_COLLECTOR = "http://127.0.0.1:4320"


class _Session:
    def __init__(self, shipper: Shipper, finder: import_hook.Finder) -> None:
        self.shipper, self.finder = shipper, finder
        self.at_end: list[Callable[[], None]] = []
        self.at_end_of_forks: list[Callable[[], None]] = []
        self.pid = os.getpid()


class _Process:
    """What this process has for all its recordings."""

    session: _Session | None = None  # None: nothing is installed
    fork_filter: object = None  # of ``warnings``, see ``_unwarned``
    has_fork_hooks = False  # they cannot be taken away again, so they are set once and look at the session


_process = _Process()


def install(
    *,
    collector: str | None = None,
    service: str | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    sync: bool = False,
    otel: bool = False,
    scrub: UserRules | None = None,
) -> None:
    """Record this program from now on, and ship to a collector. A second call changes nothing.

    The file that calls it is recorded, with the functions that it has defined already, and so is each module that is
    imported from now on: those below the working directory that are not installed, and
    the packages named by ``include``, without those named by ``exclude``. ``sync`` records ``with`` like
    ``async with``. ``collector`` is a URL, else ``$TENURE_COLLECTOR``, else http://127.0.0.1:4320; ``$TENURE_TOKEN`` is
    its token. ``service`` is what the process is called, else the name of the program's file.

    With ``otel`` every lifecycle becomes a span in the program's own OpenTelemetry TracerProvider, by its sampler and
    processors; then nothing is shipped unless ``collector`` says where to.

    ``scrub`` hides more than secrets (docs/secrets.md): a regular expression, or a function that gets each text and
    returns it as it may be shown, or several of both. $TENURE_SCRUB has more patterns.

    Raises:
        UsageError: the collector's URL or a pattern is malformed, OpenTelemetry is not installed, or a recorder of
            ``tenure.testing`` is recording.
    """
    if _process.session is not None:
        return
    try:
        tracer.check_free()
        process_scrubber.configure(scrub)
        selection = ModuleFilter([Path.cwd()], include, exclude)
        sinks = [otel_sinks.into_program()] if otel else []
        if collector is not None or not otel:
            sinks.append(to_collector(collector))
        start(service or program_name(), sinks, selection, sync=sync)
        record_caller(selection, sync=sync)
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001  # the program runs on, unrecorded
        give_up(error)


def is_recording() -> bool:
    """Whether this process is recorded."""
    return _process.session is not None


def record_caller(selection: ModuleFilter, *, sync: bool) -> None:
    """Record the file or the cell that called Tenure too, or say on stderr that it cannot be."""
    if _process.session is None:
        return
    try:
        problem = calling_code.record(sys._getframe(1), selection, sync=sync)  # noqa: SLF001  # no other way to the caller
    except Exception as error:  # noqa: BLE001  # then it runs as it is
        faults.fault("recording the file that called install()", error)
        return
    if problem:
        say(problem)


def uninstall() -> None:
    """Stop recording, ship what is left and restore what was patched. Rewritten modules stay, and record nothing."""
    session, _process.session = _process.session, None
    if session is None:
        return
    atexit.unregister(_at_exit)
    _end(session)


def cancel() -> None:
    """Stop recording and ship nothing: the program could not be started."""
    session, _process.session = _process.session, None
    if session is not None:
        atexit.unregister(_at_exit)
        try:
            _take_out(session)
            session.shipper.cancel()
        finally:
            tracer.end()


def start(
    service: str, sinks: list[Sink], selection: ModuleFilter, *, sync: bool = False, tree: ProcessTree | None = None
) -> None:
    """Record into these sinks; what ``install`` and ``tenure run`` have in common. The scrubber is configured.

    Raises:
        UsageError: the probe that was asked for cannot serve, or a recording has begun and not ended.
    """
    tracer.check_free()
    if probe_backend.problem:
        raise UsageError(probe_backend.problem)
    if probe_backend.notice:
        say(probe_backend.notice)
    try:
        _start(service, sinks, selection, tree, sync=sync)
    except Exception as error:  # noqa: BLE001  # the program runs on, unrecorded
        give_up(error)


def give_up(error: Exception) -> None:
    """Recording could not begin by a fault of Tenure's: everything that stands already is taken away again."""
    faults.fault("starting to record", error)
    finders = [finder for finder in sys.meta_path if isinstance(finder, import_hook.Finder)]
    removals = [partial(sys.meta_path.remove, finder) for finder in finders]
    undoings: list[Callable[[], None]] = [cancel, probe.stop, *removals, adapters.uninstall, tracer.end]
    for undo in undoings:
        try:
            undo()
        except Exception as fault:  # noqa: BLE001  # the others are undone all the same
            faults.fault("undoing a start", fault)


def _start(service: str, sinks: list[Sink], selection: ModuleFilter, tree: ProcessTree | None, *, sync: bool) -> None:
    probe.prepare("tenure.install() or tenure run")
    tracer.current.installed.included = selection.included
    rewriter.provide_helpers()
    finder = import_hook.Finder(selection, sync=sync)
    sys.meta_path.insert(0, finder)
    loop_end.on_loop_end(settle)
    adapters.install()  # its finder comes before this one, and puts itself around the rewriting loader
    pytest_hook.install(selection, sync=sync)
    typed_code.install(selection, sync=sync)
    track.begin_patching()
    session = _process.session = _Session(Shipper(service, sinks, tree, OwnCode(selection).is_own), finder)
    atexit.register(_at_exit)
    _finalize_with_multiprocessing(session)
    if hasattr(os, "register_at_fork") and not _process.has_fork_hooks:
        _process.has_fork_hooks = True
        os.register_at_fork(before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child)
    probe.start()


def at_end(action: Callable[[], None]) -> None:
    """Call this once after the last flush, in this process and not in its forks."""
    if _process.session is not None:
        _process.session.at_end.append(action)


def at_end_of_forks(action: Callable[[], None]) -> None:
    """Call this once after the last flush in each fork of this process that ends in order."""
    if _process.session is not None:
        _process.session.at_end_of_forks.append(action)


def flush() -> None:
    """Ship what was recorded so far without waiting for the next flush."""
    if _process.session is not None:
        _process.session.shipper.flush()


def settle() -> None:
    """Ship what was recorded so far before this returns: the program may be about to end without any notice.

    An adapter calls it on the main thread; on another one it does nothing. It waits as long as
    ``tenure._sinks.wait_budget`` allows, and recording goes on. What a signal's handler raises meanwhile passes
    through.
    """
    if _process.session is None or threading.current_thread() is not threading.main_thread():
        return
    _process.session.shipper.settle()


def to_collector(url: str | None, tree: ProcessTree | None = None) -> CollectorSink:
    """The collector of this URL, or the environment's, or the default."""
    url = url or os.environ.get("TENURE_COLLECTOR") or DEFAULT_COLLECTOR
    return CollectorSink(url, os.environ.get("TENURE_TOKEN"), tree)


def program_name() -> str:
    """The name of a process that was given none: $OTEL_SERVICE_NAME, else its program's file."""
    return os.environ.get("OTEL_SERVICE_NAME") or Path(sys.argv[0] or "python").stem


def _take_out(session: _Session) -> None:
    probe.stop()
    sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not session.finder]
    track.end_patching()
    adapters.uninstall()


def _end(session: _Session) -> None:
    try:
        _take_out(session)
        session.shipper.close()
    finally:
        tracer.end()
    buffer.clear()
    for action in session.at_end if session.pid == os.getpid() else session.at_end_of_forks:
        action()


def _at_exit() -> None:
    imported = sys.maxsize
    try:
        imported = late_imports.count()
        uninstall()
    except Exception as error:  # noqa: BLE001  # the program's end is the program's
        faults.fault("the last flush", error)
    except BaseException:  # noqa: BLE001, S110  # a second signal: the user does not want to wait
        pass
    try:
        if late_imports.count() > imported:
            late_imports.keep_interrupt()
    except Exception as error:  # noqa: BLE001  # then an interrupted program may end with another exit code
        faults.fault("keeping the end by SIGINT", error)


def _before_fork() -> None:
    try:
        if _process.session is not None:
            _process.session.shipper.before_fork()
            _unwarned(is_alone=threading.active_count() == 1)
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("pausing for a fork", error)


def _after_in_parent() -> None:
    try:
        if _process.session is not None:
            _process.session.shipper.after_fork_in_parent()
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("resuming after a fork", error)


def _unwarned(*, is_alone: bool) -> None:
    """Keep CPython 3.13 from warning of the shipping thread: it counts threads after the hooks have run.

    ``is_alone``: the program has no thread of its own; one that has is warned. The filter stays until the next fork:
    nothing else gives this warning.
    """
    if sys.version_info[:2] != (3, 13):
        return
    filters = cast("list[object]", warnings.filters)  # typeshed has it immutable since 3.13; ``warnings`` changes it
    if _process.fork_filter is not None:
        with contextlib.suppress(ValueError):
            filters.remove(_process.fork_filter)
        _process.fork_filter = None
    if is_alone:
        warnings.filterwarnings("ignore", r"This process .* is multi-threaded, use of fork", DeprecationWarning)
        _process.fork_filter = warnings.filters[0]


def _after_in_child() -> None:
    try:
        if _process.session is not None:
            _process.session.shipper.after_fork_in_child()
            _finalize_with_multiprocessing(_process.session)
    except Exception as error:  # noqa: BLE001  # never into the program
        faults.fault("restarting in a forked child", error)


def _finalize_with_multiprocessing(session: _Session) -> None:
    """Flush at the end of multiprocessing's children: they end by os._exit, after finalizers that must be set late.

    A child of a fork server begins recording itself, where its main module calls ``install``.
    """
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.register_after_fork(session, lambda _: util.Finalize(None, _at_exit, exitpriority=-1_000))

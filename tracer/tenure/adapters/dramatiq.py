"""dramatiq: each message that a worker processes is a lifecycle of its actor's name; every attempt has its outcome."""

from __future__ import annotations

from types import ModuleType

from tenure._core.object_access import attribute, exact
from tenure._identify import tracer
from tenure._patching import class_patches
from tenure._patching.bodies import immediate
from tenure.adapters._kit import handler_sites, work_units
from tenure.adapters._kit.work_units import Record, Unit

# Said where they fail.
_PROCESSING, _FAILING = "recording a message of dramatiq", "noting why a message of dramatiq failed"


class _Messages:
    """What the messages that are processed raised, by address."""

    def __init__(self) -> None:
        self.errors: dict[int, BaseException | None] = {}


def install(worker: ModuleType) -> None:
    """Patch the worker's thread, and the message by which it keeps an exception."""
    work_units.register()
    thread, message = worker._WorkerThread, worker.MessageProxy  # noqa: SLF001  # there is no public entry
    process = immediate.method(thread.process_message, _PROCESSING, before=_begin, after=_ended, failed=_failed)
    keep = immediate.method(message.stuff_exception, _FAILING, before=_note_error)
    class_patches.replace(thread, "process_message", process)
    class_patches.replace(message, "stuff_exception", keep)


def _begin(thread: object, arguments: tuple[object, ...], named: dict[str, object]) -> tuple[Record, int] | None:
    message = arguments[0] if arguments else named.get("message")
    name = exact(attribute(attribute(message, "_message"), "actor_name"))
    actors = attribute(attribute(thread, "broker"), "actors")
    actor = actors.get(name) if type(actors) is dict else None
    site = handler_sites.of_callable(attribute(actor, "fn"))
    record = work_units.begin(Unit("dramatiq.Message", name if actor is not None else ""), site)
    if record is None:
        return None
    tracer.current.of(_Messages).errors[id(message)] = None
    return record, id(message)


def _note_error(message: object, arguments: tuple[object, ...], named: dict[str, object]) -> None:
    errors = tracer.current.of(_Messages).errors
    if id(message) in errors:
        errors[id(message)] = work_units.exception_of(arguments[0] if arguments else named.get("exception"))


def _ended(state: tuple[Record, int], _: object) -> None:
    record, address = state
    work_units.end(record, tracer.current.of(_Messages).errors.pop(address, None))


def _failed(state: tuple[Record, int], error: BaseException) -> None:
    record, address = state
    tracer.current.of(_Messages).errors.pop(address, None)
    work_units.end(record, error)

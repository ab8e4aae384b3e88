"""Which resource is entered, asked by a probe: never raises, and counts what could not be found."""

from __future__ import annotations

from tenure._core import faults
from tenure._identify import resources

_recording = False
_stopped: dict[int, type] = {}  # by address: types whose tracing stopped after a fault


def start() -> None:
    """Answer from now on."""
    global _recording  # noqa: PLW0603
    _recording = True
    _stopped.clear()


def stop() -> None:
    """Answer that nothing is to be recorded."""
    global _recording  # noqa: PLW0603
    _recording = False


def is_recording() -> bool:
    """Whether anything is recorded."""
    return _recording


def resource_of(site: str, manager: object) -> tuple[int, bool]:
    """The resource's id and whether the manager's class reports its entries itself; 0: this one is not recorded."""
    kind = type(manager)
    if not _recording or id(kind) in _stopped:
        return 0, False
    try:
        return resources.resolve(manager, site), resources.is_patched(kind)
    except Exception as error:  # noqa: BLE001  # an adapter met what it did not expect: the program goes on
        if not isinstance(error, RecursionError):  # that is the program's depth, and over when it comes back up
            _stopped[id(kind)] = kind
        faults.fault("finding the resource of a {}", error, kind=kind)
        return 0, False

"""An application that a server keeps as an attribute, replaced for the time of one call by one that records."""

from __future__ import annotations

from tenure._core import faults
from tenure._patching.class_patches import Method

_REPLACING = "recording the application that a server calls"  # said where it fails


class ReplacedApp:
    """Replaces an attribute until it is called, which is the first thing that the block does."""

    def __init__(self, owner: object, attribute: str, handle: Method) -> None:
        self._owner, self._attribute, self._handle = owner, attribute, handle
        self._app: object = None
        self._replacement: Method = self._call  # compared by identity: the program's own equality is not called

    def __enter__(self) -> None:
        try:
            self._app = getattr(self._owner, self._attribute)
            setattr(self._owner, self._attribute, self._replacement)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(_REPLACING, fault)

    def __exit__(self, *_: object) -> None:
        self._restore()

    def _call(self, scope: object, receive: object, send: object) -> object:
        self._restore()
        return self._handle(self._app, scope, receive, send)

    def _restore(self) -> None:
        try:
            if getattr(self._owner, self._attribute) is self._replacement:
                setattr(self._owner, self._attribute, self._app)
        except Exception as fault:  # noqa: BLE001  # never into the program
            faults.fault(_REPLACING, fault)

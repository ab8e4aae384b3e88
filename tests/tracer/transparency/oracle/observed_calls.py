"""What stands in the observed program's place of its managers and its loop: each reports to the observer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from tests.tracer.transparency.oracle.deterministic_loop import Loop

if TYPE_CHECKING:
    from tests.tracer.transparency.oracle.observer import Observer


class ObservedLoop(Loop):
    def __init__(self, observer: Observer) -> None:
        super().__init__()
        self._observer = observer

    def create_future(self) -> asyncio.Future[Any]:
        future = super().create_future()
        self._observer.made_future(future)
        return future

    def create_task(self, coro: Any, **named: Any) -> asyncio.Task[Any]:
        return self._observer.making(lambda: super(ObservedLoop, self).create_task(coro, **named), coro)


class ObservedManager:
    """A manager, entered and left through the observer."""

    def __init__(self, observer: Observer, number: int, manager: Any) -> None:
        self._observer, self._manager = observer, manager
        self._lifecycle = None if observer.enters(manager, number) else observer.begin(manager, number)

    async def __aenter__(self) -> object:
        manager, kind = self._manager, type(self._manager)
        try:
            if not (hasattr(kind, "__aenter__") and hasattr(kind, "__aexit__")):
                async with manager:  # Python says so in its own words
                    pass
            value: object = await kind.__aenter__(manager)
        except BaseException as error:
            if self._lifecycle is not None:
                self._observer.failed(self._lifecycle, error)
            raise
        self._observer.pass_stamp(self._lifecycle)
        if self._lifecycle is not None:
            self._observer.acquired(self._lifecycle)
        return value

    async def __aexit__(self, kind: object, body: BaseException | None, traceback: object) -> object:
        self._observer.pass_stamp(self._lifecycle)
        lifecycle = self._lifecycle or self._observer.give_back(self._manager)
        if lifecycle is not None:
            self._observer.leaving(lifecycle, body)
        try:
            value: object = await type(self._manager).__aexit__(self._manager, kind, body, traceback)
        except BaseException as error:
            if lifecycle is not None:
                self._observer.failed(lifecycle, error, body)
            self._observer.pass_stamp(self._lifecycle)
            raise
        finally:
            del body, traceback  # a traceback keeps this frame
        if lifecycle is not None:
            self._observer.released(lifecycle, value)
        self._observer.pass_stamp(self._lifecycle)
        return value


class ObservedSyncManager:
    """The same of ``with``."""

    def __init__(self, observer: Observer, number: int, manager: Any) -> None:
        self._observer, self._manager = observer, manager
        self._lifecycle = observer.begin(manager, number)

    def __enter__(self) -> object:
        manager, kind = self._manager, type(self._manager)
        try:
            if not (hasattr(kind, "__enter__") and hasattr(kind, "__exit__")):
                with manager:  # Python says so in its own words
                    pass
            value: object = kind.__enter__(manager)
        except BaseException as error:
            self._observer.failed(self._lifecycle, error)
            raise
        self._observer.acquired(self._lifecycle)
        return value

    def __exit__(self, kind: object, body: BaseException | None, traceback: object) -> object:
        self._observer.leaving(self._lifecycle, body)
        try:
            value: object = type(self._manager).__exit__(self._manager, kind, body, traceback)
        except BaseException as error:
            self._observer.failed(self._lifecycle, error, body)
            raise
        finally:
            del body, traceback
        self._observer.released(self._lifecycle, value)
        return value

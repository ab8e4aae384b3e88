"""The libraries that an adapter knows.

Where code of such a library enters a manager of another one, a lock of asyncio's or another library's connection, that
is internal to the library and not recorded. Where it enters a manager of its own, it does so for its caller:
``pool.fetch()`` for the program's line that calls it. An adapter names its packages when it is installed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import FrameType

from tenure._core.object_access import exact, module_name
from tenure._core.paths import is_own_frame
from tenure._identify import call_site_cache, tracer

# The functions of a package that run what the maker of a task gave to it; trio's one runs the steps of its tasks.
_RUNNERS = {
    "anyio": frozenset({"_run_coro", "_run_wrapped_task", "task_wrapper", "_call_func", "wrapper"}),
    "trio": frozenset({"unrolled_run"}),
}

# Packages whose functions wrap functions of others: they retry, measure or report, and call for their caller.
_WRAPPERS = frozenset(
    {
        "backoff",
        "ddtrace",
        "elasticapm",
        "logfire",
        "newrelic",
        "opentelemetry",
        "sentry_sdk",
        "stamina",
        "tenacity",
        "wrapt",
    }
)


def know(*packages: str) -> None:
    """Take these for libraries from now on. Of a package that also enters the program's managers, name the modules."""
    tracer.current.libraries.update(packages)
    call_site_cache.clear()


def know_framework(*packages: str) -> None:
    """Record nothing that these packages' own ``@asynccontextmanager`` functions hold from now on."""
    tracer.current.frameworks.update(packages)


def reach_through(package: str, *others: str) -> None:
    """Record what a package has at the line that calls these others too, which are known libraries."""
    tracer.current.reached_through[package] = frozenset(others)
    call_site_cache.clear()


def enters_its_own(package: str, kind: type) -> bool:
    """Whether code of this known library that enters a manager of this type does so for its caller."""
    own = of_type(kind)
    return package == own or package in tracer.current.reached_through.get(own, ())


def of_frame(frame: FrameType) -> str:
    """The known library whose code this frame runs, else ""."""
    module = exact(frame.f_globals.get("__name__"))
    package = module.partition(".")[0]
    known = tracer.current.libraries
    return package if package in known or module in known else ""


def is_runner(frame: FrameType, package: str) -> bool:
    """Whether this frame of a package only runs what the maker of its task gave to it."""
    return frame.f_code.co_name in _RUNNERS.get(package, ())


def is_wrapper(frame: FrameType) -> bool:
    """Whether this frame wraps a call that it makes for its caller."""
    return exact(frame.f_globals.get("__name__")).partition(".")[0] in _WRAPPERS


def stack(frame: FrameType | None) -> Iterator[FrameType]:
    """A frame and its callers, also those that wait in the greenlet below (SQLAlchemy runs in greenlets).

    Those of wrappers are left out.
    """
    greenlet = None
    while frame is not None:
        if not is_wrapper(frame):
            yield frame
        if frame.f_back is not None or "greenlet" not in sys.modules:
            frame = frame.f_back
            continue
        greenlet = (greenlet or sys.modules["greenlet"].getcurrent()).parent
        frame = greenlet.gr_frame if greenlet is not None else None


def of_type(kind: type) -> str:
    """The package that a type comes from."""
    return module_name(kind).partition(".")[0]


def entered_outside(package: str, *but_for: str) -> Callable[[object], bool]:
    """A predicate that passes over what a library's code enters, except its functions of these names.

    The file that asks for it is an adapter's: a function there that calls the predicate does not count as the caller.
    """
    adapter_file = sys._getframe(1).f_code.co_filename  # noqa: SLF001  # there is no other way to the caller

    def is_outside(_: object) -> bool:
        frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  # there is no other way to the caller
        while frame is not None and (
            is_own_frame(frame) or frame.f_code.co_filename == adapter_file or is_wrapper(frame)
        ):
            frame = frame.f_back
        if frame is None or exact(frame.f_globals.get("__name__")).partition(".")[0] != package:
            return True
        return frame.f_code.co_name in but_for or is_runner(frame, package)

    return is_outside

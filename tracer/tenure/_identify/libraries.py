"""Which code enters a manager: the program's, or a library's, and then whether for its caller or for its own ends.

Where code of a library that an adapter knows enters a manager of another one, a lock of asyncio's or another library's
connection, that is internal to the library and not recorded. Where it enters a manager of its own, it does so for its
caller: ``pool.fetch()`` for the program's line that calls it. An adapter names its packages when it is installed.

Any other installed code enters a manager of a known library for its caller too: the session of a library that builds on
SQLAlchemy, a client that is built on httpx. A lock, a scope or a function of its own it enters for its own ends: that
is recorded, and its site is *internal*. What it enters of the program's, a function or an object of a class that the
program wrote, is the program's, at that function.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import CodeType, FrameType, FunctionType, MethodType

from tenure._core.object_access import attribute, exact, module_name, of_class
from tenure._core.paths import is_own_frame
from tenure._identify import call_site_cache, tracer
from tenure._identify.sites import Site

_LAYERS = 50  # decorators around a function
_PRIMITIVES = frozenset({"anyio", "trio"})  # known libraries whose managers are entered for the enterer's own ends

# The functions of a package that run what the maker of a task gave to it; trio's one runs the steps of its tasks.
_RUNNERS = {
    "anyio": frozenset({"_run_coro", "_run_wrapped_task", "task_wrapper", "_call_func", "wrapper"}),
    "trio": frozenset({"unrolled_run"}),
}

# Packages whose functions wrap functions of others: they retry, keep, measure or report, and call for their caller.
_WRAPPERS = frozenset(
    {
        "aiobreaker",
        "aiocache",
        "async_lru",
        "asyncache",
        "backoff",
        "circuitbreaker",
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
    tracer.current.known_packages.update(package.partition(".")[0] for package in packages)
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


def is_installed(frame: FrameType) -> bool:
    """Whether the frame runs installed code that the program does not include."""
    return tracer.current.installed.has_frame(frame)


def serves_caller(manager: object, kind: type) -> bool:
    """Whether installed code that enters this manager does so for its caller: it is one of a known library's.

    ``kind``: its type, as ``resources.described`` has it.
    """
    function = attribute(manager, "func") if module_name(type(manager)) == "contextlib" else None
    if function is None:
        return serves_caller_of(kind)
    return _serves_caller(exact(attribute(function, "__module__")).partition(".")[0])


def serves_caller_of(kind: type) -> bool:
    """``serves_caller`` by the type alone."""
    return _serves_caller(of_type(kind))


def _serves_caller(package: str) -> bool:
    return package in tracer.current.known_packages and package not in _PRIMITIVES


def program_site(manager: object) -> str:
    """The site of the program's function, or of its class's method, that this manager runs; "" where it is none's."""
    function = _innermost(attribute(manager, "func"))
    if function is None:
        function = _innermost(of_class(type(manager), "__aenter__"))
    if function is None or tracer.current.installed.has_code(function.__code__, function.__module__):
        return ""
    code: CodeType = function.__code__
    return Site(code.co_filename, code.co_firstlineno, code.co_qualname, "").key()


def _innermost(called: object) -> FunctionType | None:
    """The function below decorators, Tenure's own patches among them, and bound methods."""
    for _ in range(_LAYERS):
        if type(called) is MethodType:
            called = called.__func__
        is_patch = type(called).__module__ == "tenure._probe"
        inner = called.__wrapped__ if is_patch else attribute(called, "__wrapped__")  # type: ignore[attr-defined]
        if inner is None:
            break
        called = inner
    return called if type(called) is FunctionType else None


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
    return wraps(exact(frame.f_globals.get("__name__")))


def wraps(module: str) -> bool:
    """Whether functions of this module wrap those of others."""
    return module.partition(".")[0] in _WRAPPERS


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

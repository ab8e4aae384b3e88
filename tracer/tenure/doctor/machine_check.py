"""``tenure doctor`` without a program: this machine."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import msgspec

from tenure import session
from tenure._core import probe_backend
from tenure._core.installation import has_command, installed_version
from tenure._rewriting.module_filter import Selection
from tenure.doctor import collector_check, cost, libraries
from tenure.doctor.counting_sink import Counting
from tenure.doctor.faults import Faults


class Here(msgspec.Struct, frozen=True, kw_only=True):
    """What there is, and what it costs."""

    tenure: str
    python: str
    implementation: str
    probe: str
    server: str  # its version, "" where it is not installed
    cost: cost.Cost
    libraries: list[libraries.Library]
    collector: collector_check.Collector


def examine(collector: str | None) -> Here:
    """Look around; ``collector`` is a URL, else the environment's or the default.

    Raises:
        UsageError: the URL is malformed.
    """
    answer = collector_check.ask(collector)
    faults = Faults(quiet=True)
    session.start("doctor", [Counting()], Selection([]))
    try:
        taken = cost.measure()
        found = libraries.survey(faults)
    finally:
        session.uninstall()
        faults.stop()
    return Here(
        tenure=installed_version(),
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        probe=probe_backend.NAME,
        server=_server(),
        cost=taken,
        libraries=found,
        collector=answer,
    )


def text(here: Here) -> str:
    """The page for people."""
    return "\n".join(_lines(here)) + "\n"


def _lines(here: Here) -> Iterator[str]:
    yield f"tenure {here.tenure}, {here.implementation} {here.python}, {here.probe} probe"
    yield f"server: {here.server or 'not installed (pip install ' + repr('tenure[server]') + ')'}"
    one_ns = here.cost.recorded_ns - here.cost.bare_ns
    yield (
        f"one record costs {one_ns:.0f} ns: an empty `async with` takes {here.cost.bare_ns:.0f} ns, "
        f"recorded {here.cost.recorded_ns:.0f} ns ({here.cost.ratio:.2f} x)"
    )
    one = here.collector
    state = "ready" if not one.problem else one.problem
    yield f"collector: {one.url}: {f'version {one.version}, ' if one.version else ''}{state}"
    yield "adapters:"
    for library in here.libraries:
        state = library.version or "not installed"
        problem = f", does not fit: {library.problem}" if library.problem else ""
        yield f"  {library.name:<14} {state:<18} {', '.join(library.adapters)}{problem}"


def _server() -> str:
    if not has_command("serve"):
        return ""
    try:
        return version("tenure-server")
    except PackageNotFoundError:
        return "unknown version"

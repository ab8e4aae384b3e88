"""``tenure doctor`` without a program: reports on this machine."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version

import msgspec

from tenure import session
from tenure._core import probe_backend
from tenure._core.installation import has_command, installed_version
from tenure._rewriting.module_filter import ModuleFilter
from tenure.doctor import collector_check, cost, libraries
from tenure.doctor.counting_sink import Counting
from tenure.doctor.faults import FaultListener


class MachineReport(msgspec.Struct, frozen=True, kw_only=True):
    """The versions, libraries and collector of this machine, and what one record costs."""

    tenure: str
    python: str
    implementation: str
    probe: str
    server: str  # its version, "" where it is not installed
    cost: cost.Cost
    libraries: list[libraries.Library]
    collector: collector_check.CollectorStatus


def examine(collector: str | None) -> MachineReport:
    """Examine this machine; ``collector`` is a URL, None: that of the environment, or the default.

    Raises:
        UsageError: the URL is malformed.
    """
    collector_status = collector_check.check(collector)
    faults = FaultListener(quiet=True)
    session.start("doctor", [Counting()], ModuleFilter([]))
    try:
        record_cost = cost.measure()
        known_libraries = libraries.list_libraries(faults)
    finally:
        session.uninstall()
        faults.stop()
    return MachineReport(
        tenure=installed_version(),
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        probe=probe_backend.NAME,
        server=_server(),
        cost=record_cost,
        libraries=known_libraries,
        collector=collector_status,
    )


def text(report: MachineReport) -> str:
    """Render the report for people."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: MachineReport) -> Iterator[str]:
    yield f"tenure {report.tenure}, {report.implementation} {report.python}, {report.probe} probe"
    yield f"server: {report.server or 'not installed (pip install ' + repr('tenure[server]') + ')'}"
    record_ns = report.cost.recorded_ns - report.cost.bare_ns
    yield (
        f"one record costs {record_ns:.0f} ns: an empty `async with` takes {report.cost.bare_ns:.0f} ns, "
        f"recorded {report.cost.recorded_ns:.0f} ns ({report.cost.ratio:.2f} x)"
    )
    collector = report.collector
    state = "ready" if not collector.problem else collector.problem
    yield f"collector: {collector.url}: {f'version {collector.version}, ' if collector.version else ''}{state}"
    yield "adapters:"
    for library in report.libraries:
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

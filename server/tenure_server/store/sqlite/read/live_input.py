"""What a live page shows: its diagram and the lists beside it, in one state of the store."""

from __future__ import annotations

from collections.abc import Collection

from tenure_server.model.diagram_input import LiveInput
from tenure_server.model.lens import Lens
from tenure_server.store.protocol import Paging, ResourceQuery, TraceQuery
from tenure_server.store.sqlite.read.diagram_input import read_diagram_input
from tenure_server.store.sqlite.read.processes import read_processes
from tenure_server.store.sqlite.read.resources import read_resource, read_resources, resources_in_use
from tenure_server.store.sqlite.read.snapshot import ReadSnapshot
from tenure_server.store.sqlite.read.traces import read_trace, read_traces


def read_live_input(
    snapshot: ReadSnapshot, lens: Lens, limit: int, keep: Collection[str], list_limit: int
) -> LiveInput:
    """See ``Store.live_input``."""
    paging = Paging(list_limit)
    traces = read_traces(snapshot, TraceQuery(internal=lens.internal, paging=paging)).items
    resources = read_resources(snapshot, ResourceQuery(order="used", internal=lens.internal, paging=paging)).items
    if lens.trace is not None and all(trace.id != lens.trace for trace in traces):
        traces += read_trace(snapshot, lens.trace, with_internal=lens.internal)
    if lens.resource is not None and all(resource.id != lens.resource for resource in resources):
        resources += read_resource(snapshot, lens.resource, with_internal=lens.internal)
    return LiveInput(
        now_ns=snapshot.now_ns,
        diagram=read_diagram_input(snapshot, lens, limit, keep),
        processes=read_processes(snapshot, paging).items,
        traces=traces,
        resources=resources,
        in_use=len(resources_in_use(snapshot, with_internal=lens.internal)),
    )

"""Whether a batch can change what a lens shows, told from the batch alone. In doubt it can."""

from __future__ import annotations

from tenure import wire
from tenure_server.model.lens import Lens


def affects(lens: Lens, batch: wire.Batch) -> bool:
    if not (batch.rows or batch.tasks or batch.traces or batch.final):
        return False
    process = batch.process.id.hex()
    if any(part is not None and not part.startswith(process) for part in (lens.process, lens.task, lens.resource)):
        return False
    if batch.final or _has_news_of_tasks(batch):
        return True
    if lens.resource is not None:
        return any(wire.public_id(batch.process.id, resource.id) == lens.resource for resource in batch.resources)
    if lens.trace is not None:
        return any(_trace_id(batch.process.id, trace) == lens.trace for trace in batch.traces)
    return True


def _has_news_of_tasks(batch: wire.Batch) -> bool:
    """A task has ended: its end is shown wherever it is."""
    return any(task.finished_ns is not None for task in batch.tasks)


def _trace_id(process_id: bytes, trace: wire.Trace) -> str:
    return trace.otel_trace_id.hex() if trace.otel_trace_id else wire.trace_id(process_id, trace.root)

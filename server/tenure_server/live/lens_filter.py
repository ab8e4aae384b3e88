"""Whether a batch can change what a lens shows. The answer needs only the batch, and is true if in doubt."""

from __future__ import annotations

from tenure import wire
from tenure_server.model.lens import Lens


def affects(lens: Lens, batch: wire.Batch) -> bool:
    if not (batch.rows or batch.tasks or batch.traces or batch.final):
        return False
    process = batch.process.id.hex()
    if any(part is not None and not part.startswith(process) for part in (lens.process, lens.task, lens.resource)):
        return False
    if batch.final or _ends_a_task(batch):
        return True
    if lens.resource is not None:
        return any(wire.public_id(batch.process.id, resource.id) == lens.resource for resource in batch.resources)
    if lens.trace is not None:
        return any(_trace_id(batch.process.id, trace) == lens.trace for trace in batch.traces)
    return True


def _ends_a_task(batch: wire.Batch) -> bool:
    """Whether a task has ended. Its end can be in any diagram, whatever the lens."""
    return any(task.finished_ns is not None for task in batch.tasks)


def _trace_id(process_id: bytes, trace: wire.Trace) -> str:
    return trace.otel_trace_id.hex() if trace.otel_trace_id else wire.trace_id(process_id, trace.root)

"""Stores: the contract and its backends."""

from __future__ import annotations

from tenure_server.store.protocol import (
    Backlog,
    ClosedLifecycle,
    ClosedLifecycles,
    LifecycleQuery,
    Listing,
    Measured,
    Paging,
    Place,
    ResourceQuery,
    SpanRow,
    Spans,
    SpanTask,
    Store,
    Totals,
    TraceQuery,
)

__all__ = [
    "Backlog",
    "ClosedLifecycle",
    "ClosedLifecycles",
    "LifecycleQuery",
    "Listing",
    "Measured",
    "Paging",
    "Place",
    "ResourceQuery",
    "SpanRow",
    "SpanTask",
    "Spans",
    "Store",
    "Totals",
    "TraceQuery",
]

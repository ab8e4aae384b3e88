"""Stores: the contract and its backends."""

from __future__ import annotations

from tenure_server.store.protocol import (
    Backlog,
    Ending,
    Endings,
    LifecycleQuery,
    Listing,
    Measured,
    Paging,
    Place,
    ResourceQuery,
    Scene,
    SpanRow,
    Spans,
    SpanTask,
    Store,
    Totals,
    TraceQuery,
)

__all__ = [
    "Backlog",
    "Ending",
    "Endings",
    "LifecycleQuery",
    "Listing",
    "Measured",
    "Paging",
    "Place",
    "ResourceQuery",
    "Scene",
    "SpanRow",
    "SpanTask",
    "Spans",
    "Store",
    "Totals",
    "TraceQuery",
]

"""Stores: the contract and its backends."""

from __future__ import annotations

from tenure_server.store.protocol import (
    Backlog,
    ClosedLifecycle,
    ClosedLifecycles,
    LifecycleQuery,
    Listing,
    Paging,
    ResourceQuery,
    ResourceSeries,
    SpanRow,
    Spans,
    SpanTask,
    StallQuery,
    Store,
    StoreLocation,
    TaskQuery,
    Totals,
    TraceQuery,
)

__all__ = [
    "Backlog",
    "ClosedLifecycle",
    "ClosedLifecycles",
    "LifecycleQuery",
    "Listing",
    "Paging",
    "ResourceQuery",
    "ResourceSeries",
    "SpanRow",
    "SpanTask",
    "Spans",
    "StallQuery",
    "Store",
    "StoreLocation",
    "TaskQuery",
    "Totals",
    "TraceQuery",
]

"""The batch: what a tracer ships and a collector reads.

This module is a leaf. Both sides import it, and it imports neither of them. One batch is self-contained: its tables
define every site, resource, task, trace and exception that its rows name, so any collector behind a load balancer can
read it alone.

Conventions
    *_ns          integer nanoseconds; "monotonic" unless the name says wall
    index         position in one of the batch's own tables, from 0
    number        position in a table, from 1; 0 means "none"
    id            sequence number handed out once in its process, from 1; 0 means "none"

Time on the wire is monotonic; ``Batch.clock_offset_ns`` added to it gives wall time (ns since the Unix epoch).

    WireError             the bytes are not a batch that this module can read
    └── UnknownVersion    they are a batch of a version that this module does not know
"""

from __future__ import annotations

from tenure.wire import columns_backend
from tenure.wire.codec import decode, decode_json, encode, encode_json
from tenure.wire.column_rows import ColumnRows, ColumnTraces
from tenure.wire.column_values import StoreKeys
from tenure.wire.errors import UnknownVersion, WireError
from tenure.wire.ids import SPAN_STEP, public_id, span_id, trace_id
from tenure.wire.schema import (
    BODY_SHIFT,
    CANCELLED,
    CONTENT_TYPE,
    ERROR,
    MAX_BODY,
    MAX_CREATED,
    MAX_POOLS,
    MAX_ROWS,
    MAX_STACK,
    MAX_STALLS,
    MAX_STRING,
    MAX_TABLE,
    NOT_REACHED,
    OK,
    OUTCOME_BITS,
    OUTCOMES,
    RELEASE_SHIFT,
    RESENT,
    SUPPRESSED,
    VERSION,
    VERSION_2,
    Await,
    Batch,
    Canceller,
    ExceptionInfo,
    Pool,
    Process,
    Release,
    Resource,
    Response,
    Row,
    Site,
    Stall,
    Task,
    Trace,
)

has_native_columns = columns_backend.IS_NATIVE  # whether C reads and writes columns here

__all__ = [
    "BODY_SHIFT",
    "CANCELLED",
    "CONTENT_TYPE",
    "ERROR",
    "MAX_BODY",
    "MAX_CREATED",
    "MAX_POOLS",
    "MAX_ROWS",
    "MAX_STACK",
    "MAX_STALLS",
    "MAX_STRING",
    "MAX_TABLE",
    "NOT_REACHED",
    "OK",
    "OUTCOMES",
    "OUTCOME_BITS",
    "RELEASE_SHIFT",
    "RESENT",
    "SPAN_STEP",
    "SUPPRESSED",
    "VERSION",
    "VERSION_2",
    "Await",
    "Batch",
    "Canceller",
    "ColumnRows",
    "ColumnTraces",
    "ExceptionInfo",
    "Pool",
    "Process",
    "Release",
    "Resource",
    "Response",
    "Row",
    "Site",
    "Stall",
    "StoreKeys",
    "Task",
    "Trace",
    "UnknownVersion",
    "WireError",
    "decode",
    "decode_json",
    "encode",
    "encode_json",
    "has_native_columns",
    "public_id",
    "span_id",
    "trace_id",
]

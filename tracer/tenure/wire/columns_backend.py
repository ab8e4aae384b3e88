"""Which code reads and writes columns: that in C, which the extension ``tenure._probe`` has, or its twin in Python.

It follows the rules of the probe (``tenure._core.probe_backend``), which this leaf cannot import: C serves where it was
built, in the main interpreter and with the GIL. $TENURE_PROBE, "python", chooses the twin.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType

from tenure.wire import column_values, columns
from tenure.wire.column_values import StoreKeys, Values
from tenure.wire.columns import RowValues, Tables

_INTERFACE = 1  # of the functions in C; the same number stands in tracer/native/columns/functions.h


def _extension() -> ModuleType | None:
    has_gil = getattr(sys, "_is_gil_enabled", lambda: True)  # from 3.13 on
    if os.environ.get("TENURE_PROBE") == "python" or not has_gil():
        return None
    try:
        extension = importlib.import_module("tenure._probe")
    except ImportError:
        return None
    return extension if getattr(extension, "COLUMNS", 0) == _INTERFACE else None


_native = _extension()
IS_NATIVE = _native is not None


def write(rows: list[RowValues], roots: list[int]) -> bytes | None:
    """Do what ``columns.write`` does."""
    if _native is None:
        return columns.write(rows, roots)
    written: bytes | None = _native.columns_write(rows, roots)
    return written


def read(data: bytes, count: int, tables: Tables) -> bytes:
    """Do what ``columns.read`` does. Columns that C refuses are read in Python, which says what is wrong with them."""
    table: bytes | None = None if _native is None else _native.columns_read(data, count, *tables)
    return columns.read(data, count, tables) if table is None else table


def values(table: bytes, store: StoreKeys) -> Values:
    """Do what ``column_values.values`` does."""
    if _native is None:
        return column_values.values(table, store)
    made: Values = _native.columns_values(table, *store)
    return made

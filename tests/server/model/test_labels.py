"""Labels for people: kinds, resources, durations."""

from __future__ import annotations

import pytest

from tenure.semconv import short_kind
from tenure_server.model.labels import format_duration, name_in_source, resource_label


@pytest.mark.parametrize(
    ("kind", "short"),
    [
        ("asyncio.locks.Lock", "Lock"),
        ("shop.db.transaction", "transaction"),
        ("shop.db.Pool.transaction", "Pool.transaction"),
        ("shop.Outer.Inner", "Inner"),
        ("shop.main.<locals>.Connection", "Connection"),
        ("shop.main.<locals>.Pool.connection", "Pool.connection"),
        ("_private._Pool.get", "_Pool.get"),
        ("Lock", "Lock"),
        ("", ""),
    ],
)
def test_a_kind_is_shortened_to_what_tells_it_apart(kind: str, short: str) -> None:
    """Modules and enclosing functions go, a method's class stays."""
    assert short_kind(kind) == short


@pytest.mark.parametrize(
    ("kind", "name", "capacity", "label"),
    [
        ("asyncio.locks.Lock", "stock_lock", 1, "Lock stock_lock"),
        ("asyncio.locks.Lock", "", 1, "Lock"),
        ("asyncio.locks.Lock", "_lock", 1, "Lock"),
        ("shop.Pool", "orders", 2, "Pool orders (2)"),
        ("shop.Pool", "pool", 2, "Pool (2)"),
        ("shop.Pool.transaction", "transaction", None, "Pool.transaction"),
        ("textbook.AsyncDatabaseConnection", "async_database_connection", None, "AsyncDatabaseConnection"),
        ("asyncio.timeout", "0.5 s", None, "timeout 0.5 s"),
        ("asyncio.locks.Semaphore", "gate", 0, "Semaphore gate"),
    ],
)
def test_a_resource_is_called_by_kind_name_and_capacity(kind: str, name: str, capacity: int | None, label: str) -> None:
    """A name that repeats the kind and a capacity of one say nothing and are left out."""
    assert resource_label(kind, name, capacity) == label


@pytest.mark.parametrize(
    ("name", "shared"),
    [
        ("Account.lock of left", "Account.lock"),
        ("Account.lock #2", "Account.lock"),
        ("Account.lock of known['a #1']", "Account.lock"),
        ("locks[('a', 1)]", "locks"),
        ("stock_lock", "stock_lock"),
    ],
)
def test_locks_of_one_line_share_a_part_of_their_names(name: str, shared: str) -> None:
    """It is what a fold and a metric go by; other resources keep their names."""
    assert name_in_source(name, "control") == shared
    assert name_in_source(name, "database") == name


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (-5, "<1 µs"),
        (0, "<1 µs"),
        (999, "<1 µs"),
        (1_000, "1 µs"),
        (25_400, "25 µs"),
        (99_499, "99 µs"),
        (99_500, "0.1 ms"),
        (300_000, "0.3 ms"),
        (3_000_000, "3 ms"),
        (1_249_999, "1.2 ms"),
        (9_949_999, "9.9 ms"),
        (9_950_000, "10 ms"),
        (120_000_000, "120 ms"),
        (999_499_999, "999 ms"),
        (999_500_000, "1.00 s"),
        (1_001_200_000, "1.00 s"),
        (9_994_999_999, "9.99 s"),
        (9_995_000_000, "10 s"),
        (32_000_000_000, "32 s"),
        (119_400_000_000, "119 s"),
        (119_500_000_000, "2 min 0 s"),
        (125_000_000_000, "2 min 5 s"),
        (3_599_400_000_000, "59 min 59 s"),
        (3_600_000_000_000, "1 h 0 min"),
        (11_520_000_000_000, "3 h 12 min"),
        (360_000_000_000_000, "100 h 0 min"),
    ],
)
def test_a_duration_reads_as_people_say_it(ns: int, text: str) -> None:
    """Three significant digits at most, and the unit changes where rounding would need a fourth."""
    assert format_duration(ns) == text

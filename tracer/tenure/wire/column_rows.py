"""The rows and the traces of a batch of version 2, made of its columns where somebody asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar, overload

from tenure.wire import columns_backend
from tenure.wire.column_values import StoreKeys, Values
from tenure.wire.columns import NAMES, WIDTH, Tables, steps_of
from tenure.wire.schema import Row, Trace

Entry = TypeVar("Entry")


class _Lazy(Sequence[Entry], Generic[Entry]):
    """A sequence whose entries are made at first use."""

    __slots__ = ("_entries",)
    _entries: list[Entry] | None

    def _make(self) -> list[Entry]:
        raise NotImplementedError

    def _all(self) -> list[Entry]:
        if self._entries is None:
            self._entries = self._make()
        return self._entries

    def __len__(self) -> int:
        return len(self._all())

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._all())

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> list[Entry]: ...
    def __getitem__(self, index: int | slice) -> Entry | list[Entry]:
        return self._all()[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._all() == list(other)

    __hash__ = None  # type: ignore[assignment] # as of a list

    def __repr__(self) -> str:
        return repr(self._all())


class ColumnRows(_Lazy[Row]):
    """The rows that ``columns`` say, ``count`` of them; each is a lifecycle.

    Raises:
        WireError: names the column and the row that are damaged.
    """

    __slots__ = ("_count", "_places", "_table", "columns", "own_traces")

    def __init__(self, columns: bytes, count: int, tables: Tables, own_traces: Sequence[Trace]) -> None:
        self._entries = None
        self._table = columns_backend.read(columns, count, tables)
        self._count = count
        self._places: dict[int, int] | None = None
        self.columns = columns
        self.own_traces = own_traces

    def __len__(self) -> int:
        return self._count

    def column(self, name: str) -> Sequence[int]:
        """One of ``columns.NAMES``: ids instead of differences, ``acquire`` in ns of the monotonic clock."""
        start = NAMES.index(name) * self._count
        return memoryview(self._table).cast("q")[start : start + self._count]

    @property
    def places(self) -> dict[int, int]:
        """The index of each root's trace: first those of ``own_traces``, then the others as they come."""
        if self._places is None:
            self._places = {trace.root: place for place, trace in enumerate(self.own_traces)}
            others = [root for root in dict.fromkeys(self.column("root")) if root not in self._places]
            self._places.update((root, place) for place, root in enumerate(others, len(self.own_traces)))
        return self._places

    def values(self, store: StoreKeys) -> Values:
        """Make 13 values of each row, in the order of ``columns.NAMES``, as a store has them.

        Returns:
            The values of the rows that are sent for the first time, in one list; each row that was sent before, as a
            tuple; the latest instant of all rows, 0 where there are none.
        """
        return columns_backend.values(self._table, store)

    def _make(self) -> list[Row]:
        if not self._count:
            return []
        numbers = memoryview(self._table).cast("q").tolist()
        columns = [numbers[start : start + self._count] for start in range(0, WIDTH * self._count, self._count)]
        columns[2] = list(map(self.places.__getitem__, columns[2]))
        columns[6] = steps_of(columns[6])
        return list(map(Row, *columns))


class ColumnTraces(_Lazy[Trace]):
    """The traces of rows: those that stand in the batch, then those that are nothing but their root."""

    __slots__ = ("_rows",)

    def __init__(self, rows: ColumnRows) -> None:
        self._entries = None
        self._rows = rows

    def _make(self) -> list[Trace]:
        own = self._rows.own_traces
        return [*own, *(Trace(root) for root, place in self._rows.places.items() if place >= len(own))]

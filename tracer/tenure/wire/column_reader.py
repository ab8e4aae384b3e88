"""Reads the bytes of columns, whatever they mean: ``columns`` has the modes."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from itertools import repeat
from typing import TypeAlias

Numbers: TypeAlias = Sequence[int]

CONSTANT, VARINTS, RUNS, FIXED = 0, 1, 2, 3  # modes; those from FIXED on have a width
FIXED_CODES = "BHIQ"  # of ``array``
LARGEST = (1 << 64) - 1


class Damage(Exception):
    """``row`` of a column cannot be read."""

    def __init__(self, problem: str, row: int) -> None:
        super().__init__(problem)
        self.row = row


class Reader:
    """Reads one column after the other."""

    def __init__(self, data: bytes, count: int) -> None:
        self._data = data
        self._count = count
        self.at = 0

    def column(self) -> Numbers:
        mode = self._data[self.at] if self.at < len(self._data) else None
        self.at += 1
        if mode is None:
            raise Damage("the columns are cut off", 0)
        if mode == CONSTANT:
            return [self._varint(0)] * self._count
        if mode == VARINTS:
            return self._varints()
        if mode == RUNS:
            return self._runs()
        if mode - FIXED < len(FIXED_CODES):
            return self._fixed(FIXED_CODES[mode - FIXED], 1 << mode - FIXED)
        raise Damage(f"a column has the unknown mode {mode}", 0)

    def _varints(self) -> Numbers:
        start, end = self.at, self.at + self._count
        if end <= len(self._data) and (not self._count or max(self._data[start:end]) < 0x80):  # a byte each: frequent
            self.at = end
            return self._data[start:end]
        return self._long_varints() or [self._varint(row) for row in range(self._count)]

    def _long_varints(self) -> list[int]:
        """Read them without a call for each; [] where one is damaged, and nothing is read."""
        data, at = self._data, self.at
        values: list[int] = []
        add = values.append
        try:
            for _ in range(self._count):
                value = data[at]
                at += 1
                if value >= 0x80:
                    value &= 0x7F
                    shift = 7
                    while (byte := data[at]) >= 0x80:
                        value |= (byte & 0x7F) << shift
                        shift += 7
                        at += 1
                        if shift > 63:
                            return []
                    value |= byte << shift
                    at += 1
                add(value)
        except IndexError:
            return []
        if max(values) > LARGEST:
            return []
        self.at = at
        return values

    def _runs(self) -> Numbers:
        values: list[int] = []
        while len(values) < self._count:
            value, length = self._varint(len(values)), self._varint(len(values))
            if not 0 < length <= self._count - len(values):
                raise Damage(f"a run has {length} rows, {self._count - len(values)} are left", len(values))
            values += repeat(value, length)
        return values

    def _fixed(self, code: str, width: int) -> Numbers:
        part = self._data[self.at : self.at + width * self._count]
        if len(part) < width * self._count:
            raise Damage("the column is cut off", len(part) // width)
        self.at += len(part)
        values = array(code, part)
        if sys.byteorder == "big":
            values.byteswap()
        return values.tolist()

    def _varint(self, row: int) -> int:
        value = shift = 0
        for byte in self._data[self.at : self.at + 10]:
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 and value <= LARGEST:
                return value
        raise Damage("the column is cut off" if self.at >= len(self._data) else "a number has more than 64 bits", row)

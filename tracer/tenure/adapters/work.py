"""tenure.work: a unit of work that the program names itself is one lifecycle of that name."""

from __future__ import annotations

from types import ModuleType


def install(work: ModuleType) -> None:
    """Describe units of work."""
    work.know()

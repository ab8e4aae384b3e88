"""Objects that the program named itself (``tenure.track``): known before recording begins and after it ends.

They are known by their addresses while they live; a weak reference's callback removes the name.
"""

from __future__ import annotations

import weakref

named: dict[int, tuple[str | None, int | None, weakref.ref[object]]] = {}  # by address: name, capacity
types: dict[int, type] = {}  # by address: the types of which an object was named

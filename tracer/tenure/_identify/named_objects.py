"""Objects and classes that the program named itself: known before recording begins and after it ends.

Objects (``tenure.track``) are known by their addresses while they live; a weak reference's callback removes the name.
Classes (``tenure.tracked``) are kept.
"""

from __future__ import annotations

import weakref

named: dict[int, tuple[str | None, int | None, weakref.ref[object]]] = {}  # by address: name, capacity
types: dict[int, type] = {}  # by address: the types of which an object was named
classes: dict[int, tuple[str | None, int | None, type]] = {}  # by address: name, capacity of each object

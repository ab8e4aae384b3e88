"""The places of a record; both probes fill in the same ones.

SITE      str    where it is entered (``tenure._identify.sites``)
TASK      int    id of the task that entered it
RESOURCE  int    id of the resource; 0: this lifecycle is not recorded
ACQUIRE, ACQUIRED, RELEASE, RELEASED      perf_counter_ns, 0 where not reached; RELEASED is written last
BODY      Failure or None                 the exception that left the body
RAISED    Failure, WENT_ON or None        an exception of acquire or release; WENT_ON: the body's goes on
RELEASER  int    id of the task that released it, if another one than TASK, else 0; written before RELEASE
"""

from __future__ import annotations

from typing import Protocol

SITE, TASK, RESOURCE, ACQUIRE, ACQUIRED, RELEASE, RELEASED, BODY, RAISED, RELEASER = range(10)
WENT_ON = True

Listed = list[object]  # a record as the buffer gives it


class Record(Protocol):
    """A lifecycle while the program is in it: a list with the Python probe, a handle with the native one."""

    def __getitem__(self, place: int, /) -> object: ...

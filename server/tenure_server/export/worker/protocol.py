"""What the collector and the process that exports for it say to each other: JSON, one message a line.

The headers of targets are among it, and with them credentials: they go this way and no other.
"""

from __future__ import annotations

import msgspec

from tenure_server.export.batching import Pace
from tenure_server.export.status import Progress
from tenure_server.export.targets import Target
from tenure_server.store import StoreLocation

LONGEST = 1 << 20  # bytes of a line


class _Message(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    pass


class Start(_Message, frozen=True):
    """The first message to the process. ``progress``, by the targets' names, is what earlier processes made."""

    place: StoreLocation
    targets: list[Target]
    pace: Pace
    progress: dict[str, Progress]
    now_ns: int  # as in every message: the collector's clock


class Wake(_Message, frozen=True):
    """Something may have ended."""

    now_ns: int


class Acknowledged(_Message, frozen=True):
    """The answer to one Acknowledge; ``error`` is why the store could not note it."""

    exporter: str
    error: str | None
    now_ns: int


class Close(_Message, frozen=True):
    """Send what there is, and end."""


class Acknowledge(_Message, frozen=True):
    """An exporter is done with all up to this position; see ``Store.acknowledge``."""

    exporter: str
    position: int
    expired: int
    progress: Progress


class Report(_Message, frozen=True):
    """How an exporter is doing."""

    exporter: str
    progress: Progress


class LogRecord(_Message, frozen=True):
    """Something for the collector's log."""

    logger: str
    level: int
    text: str


class Alive(_Message, frozen=True):
    """A sign of life."""


Command = Start | Wake | Acknowledged | Close  # from the collector
WorkerEvent = Acknowledge | Report | LogRecord | Alive  # to it

_orders: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
_news: msgspec.json.Decoder[WorkerEvent] = msgspec.json.Decoder(WorkerEvent)


def line(message: Command | WorkerEvent) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def order(text: bytes) -> Command:
    """What the collector says.

    Raises:
        msgspec.DecodeError: it is nothing of that kind.
    """
    return _orders.decode(text)


def news(text: bytes) -> WorkerEvent:
    """What the process says.

    Raises:
        msgspec.DecodeError: it is nothing of that kind.
    """
    return _news.decode(text)

"""The messages between the collector and the exporting process: JSON, one message in a line.

They are the only way by which the headers of targets, and with them credentials, get to the process.
"""

from __future__ import annotations

import msgspec

from tenure_server.export.batching import Batching
from tenure_server.export.status import Progress
from tenure_server.export.targets import Target
from tenure_server.store import StoreLocation

MAX_LINE = 1 << 20  # bytes of a line


class _Message(msgspec.Struct, frozen=True, tag=True, forbid_unknown_fields=True):
    pass


class Start(_Message, frozen=True):
    """The first message to the process. ``progress``, by target name, is that of earlier processes."""

    place: StoreLocation
    targets: list[Target]
    batching: Batching
    progress: dict[str, Progress]
    now_ns: int  # the collector's clock, as in every message


class Wake(_Message, frozen=True):
    """Look at the store: a lifecycle may have closed."""

    now_ns: int


class Acknowledged(_Message, frozen=True):
    """The answer to one Acknowledge; ``error`` is why the store could not write it."""

    exporter: str
    error: str | None
    now_ns: int


class Close(_Message, frozen=True):
    """Send the waiting spans, and end."""


class Acknowledge(_Message, frozen=True):
    """An exporter has finished everything up to this position; see ``Store.acknowledge``."""

    exporter: str
    position: int
    expired: int
    progress: Progress


class Report(_Message, frozen=True):
    """The progress of an exporter."""

    exporter: str
    progress: Progress


class LogRecord(_Message, frozen=True):
    """An entry for the collector's log."""

    logger: str
    level: int
    text: str


class Heartbeat(_Message, frozen=True):
    """The process is alive."""


Command = Start | Wake | Acknowledged | Close  # from the collector to the process
WorkerEvent = Acknowledge | Report | LogRecord | Heartbeat  # from the process to the collector

_command_decoder: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)
_event_decoder: msgspec.json.Decoder[WorkerEvent] = msgspec.json.Decoder(WorkerEvent)


def encode_line(message: Command | WorkerEvent) -> bytes:
    return msgspec.json.encode(message) + b"\n"


def decode_command(text: bytes) -> Command:
    """Read a message from the collector.

    Raises:
        msgspec.DecodeError: it is no such message.
    """
    return _command_decoder.decode(text)


def decode_event(text: bytes) -> WorkerEvent:
    """Read a message from the process.

    Raises:
        msgspec.DecodeError: it is no such message.
    """
    return _event_decoder.decode(text)

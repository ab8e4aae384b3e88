"""A guard against blocking calls, as some programs have: within a running loop, a call that may block raises."""

import asyncio
import builtins
import contextlib
import io
import os
import os.path
import pathlib
import socket
import time
from collections.abc import Iterator


class Blocked(Exception):
    """A call may block the loop."""


GUARDED = (
    *((os, name) for name in ("stat", "lstat", "readlink", "listdir", "scandir", "open", "read", "getcwd", "mkdir")),
    *((os.path, name) for name in ("islink", "realpath", "abspath", "exists", "isfile", "isdir", "getmtime", "join")),
    *((pathlib.Path, name) for name in ("read_bytes", "read_text", "open", "resolve", "stat", "exists")),
    (io, "open"),
    (builtins, "open"),
    (time, "sleep"),
    (socket, "create_connection"),
    (socket, "getaddrinfo"),
)


@contextlib.contextmanager
def guard() -> Iterator[list[str]]:
    """Within it a call that may block raises; the list has the names of these calls, also if the error is caught."""
    blocked: list[str] = []

    def guarded(original, name):
        def call(*arguments, **named):
            if asyncio._get_running_loop() is not None:
                blocked.append(name)
                raise Blocked(name)
            return original(*arguments, **named)

        return call

    originals = [(owner, name, getattr(owner, name)) for owner, name in GUARDED]
    for owner, name, original in originals:
        setattr(owner, name, guarded(original, f"{owner.__name__}.{name}"))
    try:
        yield blocked
    finally:
        for owner, name, original in originals:
            setattr(owner, name, original)

"""The settings of a collector, and how their texts are parsed: "7d", "2GB", "sqlite:///traces.sqlite"."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from pathlib import Path

import msgspec

from tenure.scrubbing import BadPattern, from_variable
from tenure_server.errors import UsageError
from tenure_server.export.targets import Target

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 4320
DEFAULT_RETENTION, DEFAULT_MAX_SIZE = "7d", "2GB"
TOKEN_VARIABLE = "TENURE_TOKEN"  # noqa: S105 -- a variable's name
INGEST_TOKEN_VARIABLE = "TENURE_INGEST_TOKEN"  # noqa: S105 -- a variable's name
SCRUB_VARIABLE = "TENURE_SCRUB"

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_BYTES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


class Settings(msgspec.Struct, frozen=True):
    """``store`` None: in memory. ``port`` 0: a free port. ``retention_ns`` or ``max_bytes`` None: no such limit."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    store: Path | None = None
    token: str | None = None  # if only one of the two tokens is set, it is valid for everything
    ingest_token: str | None = None
    allow_hosts: tuple[str, ...] = ()
    retention_ns: int | None = None
    max_bytes: int | None = None
    otlp: tuple[Target, ...] = ()
    scrub: tuple[str, ...] = ()  # the user's patterns: text of spans that matches one is not stored


def parse_duration(text: str) -> int:
    """Nanoseconds of "90s", "15m", "12h", "7d" or "2w".

    Raises:
        UsageError: the text has another form, or the duration is 0.
    """
    match = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([smhdw])", text.strip(), re.ASCII)
    ns = round(float(match[1]) * _SECONDS[match[2]] * 1e9) if match else 0
    if ns <= 0:
        raise UsageError(f"invalid duration {text!r} (write a number followed by s, m, h, d or w, for example 7d)")
    return ns


def parse_size(text: str) -> int:
    """Bytes of "500MB", "2GB", "1.5GiB" or a plain number.

    Raises:
        UsageError: the text has another form, or the size is less than 1 MB, which is too small for a store.
    """
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,9})?)\s*([KMGT]?I?B?)", text.strip().upper(), re.ASCII)
    if not match or match[2] not in _BYTES:
        raise UsageError(f"invalid size {text!r} (write a number followed by KB, MB, GB or TB, for example 2GB)")
    size = round(float(match[1]) * _BYTES[match[2]])
    if size < 10**6:
        raise UsageError(f"size {text!r} is too small for a store (give at least 1MB)")
    return size


def parse_scrub(value: str) -> tuple[str, ...]:
    """The patterns in $TENURE_SCRUB: one on each line, or @FILE.

    Raises:
        UsageError: a line is not a regular expression, or the file cannot be read.
    """
    try:
        return tuple(from_variable(value, SCRUB_VARIABLE))
    except BadPattern as error:
        raise UsageError(str(error)) from None


def parse_store(url: str) -> Path:
    """The file of "sqlite:///relative.db" or "sqlite:////absolute.db".

    Raises:
        UsageError: the URL has another form.
    """
    scheme, _, rest = url.partition("://")
    if scheme != "sqlite" or not rest.startswith("/") or rest == "/" or "\0" in rest:
        raise UsageError(
            f"invalid store URL {url!r} (write sqlite:///traces.sqlite, or sqlite:////var/lib/tenure/traces.sqlite"
            " for an absolute path)"
        )
    return Path(rest[1:])


def default_store() -> Path:
    """The file in the user's state directory (XDG Base Directory Specification). Creates its directory.

    Raises:
        UsageError: the directory cannot be created.
    """
    variable = os.environ.get("XDG_STATE_HOME", "")
    state = Path(variable) if variable.startswith("/") else Path.home() / ".local" / "state"
    directory = state / "tenure"
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot create the store's directory {directory}: {error.strerror} (give --store)") from None
    return directory / "tenure.sqlite"


def check_reach(settings: Settings) -> None:
    """Check that other machines can reach the collector only with a token.

    Raises:
        UsageError: they could reach it without one, or a token or an allowed host is invalid.
    """
    for name, token in (("token", settings.token), ("ingest token", settings.ingest_token)):
        if token is not None and not re.fullmatch(r"[\x21-\x7e]{1,500}", token):
            raise UsageError(
                f"the {name} has characters that an HTTP header cannot carry (use letters, digits and .-_~)"
            )
    for name in settings.allow_hosts:  # an IPv6 address has at least two colons
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,253}|[0-9A-Fa-f]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*", name):
            raise UsageError(f"invalid host name in --allow-host {name!r} (give it without scheme, port and path)")
    if settings.token is None and settings.ingest_token is None and not is_loopback(settings.host):
        raise UsageError(
            f"other machines can reach --host {settings.host}, but no token is set"
            f" (set --token TOKEN or {TOKEN_VARIABLE}, or omit --host)"
        )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address, or all addresses of the name."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        pass
    try:
        entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return bool(entries) and all(ipaddress.ip_address(str(entry[4][0]).split("%")[0]).is_loopback for entry in entries)

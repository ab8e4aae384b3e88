"""Whom TLS trusts and what it shows of us: the files that OpenTelemetry's variables name.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/#configuration-options
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tenure_server.errors import UsageError

_VARIABLES = "OTEL_EXPORTER_OTLP_TRACES_{0}", "OTEL_EXPORTER_OTLP_{0}"  # the first that is set


class Certificates(NamedTuple):
    """Files in PEM. ``trusted`` None: whom the system trusts. ``own`` and its ``key``: both, or neither."""

    trusted: Path | None = None
    own: Path | None = None
    key: Path | None = None

    @classmethod
    def named_by(cls, environment: Mapping[str, str]) -> Certificates:
        """What the variables say.

        Raises:
            UsageError: a file cannot be read, is none of certificates, or a key and its certificate are not both there.
        """
        names = {what: _variable(what, environment) for what in ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")}
        trusted, own, key = (name and Path(environment[name]) for name in names.values())
        if bool(own) != bool(key):
            given, missing = ("CLIENT_CERTIFICATE", "CLIENT_KEY") if own else ("CLIENT_KEY", "CLIENT_CERTIFICATE")
            raise UsageError(
                f"${names[given]} is set and ${_VARIABLES[1].format(missing)} is not (set both, or neither)"
            )
        made = cls(trusted or None, own or None, key or None)
        set_names = " and ".join(f"${name}" for name in names.values() if name)
        try:
            made.context()
        except OSError as error:
            raise UsageError(f"{set_names} cannot be used: {_reason(error)} (give readable PEM files)") from None
        return made

    def context(self) -> ssl.SSLContext:
        """As Python's TLS takes them.

        Raises:
            OSError: a file cannot be read, or TLS cannot use it.
        """
        made = ssl.create_default_context(cafile=self.trusted)
        if self.own is not None:
            made.load_cert_chain(self.own, self.key)
        return made

    def pem(self) -> tuple[bytes | None, bytes | None, bytes | None]:
        """Contents, as gRPC takes them: whom to trust, our key, our certificates.

        Raises:
            OSError: a file cannot be read.
        """
        trusted, key, own = (path.read_bytes() if path else None for path in (self.trusted, self.key, self.own))
        return trusted, key, own


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return error.strerror or str(error)


def _variable(what: str, environment: Mapping[str, str]) -> str:
    """The name of the variable that says it, "" where none does."""
    return next((name for variable in _VARIABLES if environment.get(name := variable.format(what))), "")

"""The certificates of exporters: the files that OpenTelemetry's variables name.

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
    """PEM files. ``trusted`` None: what the system trusts. ``certificate`` and ``key``: the client's, both or none."""

    trusted: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Certificates:
        """Read the variables.

        Raises:
            UsageError: a file cannot be read or has no certificates, or only one of certificate and key is given.
        """
        names = {
            setting: _variable(setting, environment) for setting in ("CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY")
        }
        trusted, certificate, key = (name and Path(environment[name]) for name in names.values())
        if bool(certificate) != bool(key):
            set_setting, missing = (
                ("CLIENT_CERTIFICATE", "CLIENT_KEY") if certificate else ("CLIENT_KEY", "CLIENT_CERTIFICATE")
            )
            raise UsageError(
                f"${names[set_setting]} is set and ${_VARIABLES[1].format(missing)} is not (set both, or neither)"
            )
        certificates = cls(trusted or None, certificate or None, key or None)
        set_names = " and ".join(f"${name}" for name in names.values() if name)
        try:
            certificates.context()
        except OSError as error:
            raise UsageError(f"{set_names} cannot be used: {_reason(error)} (give readable PEM files)") from None
        return certificates

    def context(self) -> ssl.SSLContext:
        """The context for Python's TLS.

        Raises:
            OSError: a file cannot be read, or TLS cannot use it.
        """
        context = ssl.create_default_context(cafile=self.trusted)
        if self.certificate is not None:
            context.load_cert_chain(self.certificate, self.key)
        return context

    def pem(self) -> tuple[bytes | None, bytes | None, bytes | None]:
        """The contents of the files for gRPC: trusted certificates, the client's key, the client's certificate.

        Raises:
            OSError: a file cannot be read.
        """
        trusted, key, certificate = (
            path.read_bytes() if path else None for path in (self.trusted, self.key, self.certificate)
        )
        return trusted, key, certificate


def _reason(error: OSError) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return error.strerror or str(error)


def _variable(setting: str, environment: Mapping[str, str]) -> str:
    """The name of the variable that is set for this, "" where none is."""
    return next((name for variable in _VARIABLES if environment.get(name := variable.format(setting))), "")

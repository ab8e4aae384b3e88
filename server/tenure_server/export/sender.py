"""Sends requests to a backend, over HTTP or gRPC."""

from __future__ import annotations

import importlib
import os
from typing import Protocol, cast

from tenure_server.errors import UsageError
from tenure_server.export.http import HttpSender
from tenure_server.export.responses import Answer
from tenure_server.export.targets import Target
from tenure_server.limits import EXPORT_TIMEOUT_S
from tenure_server.opentelemetry.certificates import Certificates


class Sender(Protocol):
    """Sends to one target. It is used and closed in one event loop."""

    target: Target

    async def send(self, body: bytes) -> Answer:
        """Send the bytes of an export request, gzipped; every failure is an answer too."""

    async def close(self) -> None:
        """Close the connection."""


def sender_to(target: Target, timeout_s: float = EXPORT_TIMEOUT_S) -> Sender:
    """The sender for the target's scheme; an encrypted one uses the certificates that the environment names.

    Raises:
        UsageError: the target needs gRPC, which is not installed, or certificates cannot be used.
    """
    certificates = Certificates.from_environment(os.environ) if target.is_secure else Certificates()
    if not target.is_grpc:
        return HttpSender(target, timeout_s, certificates)
    try:
        module = importlib.import_module("tenure_server.export.grpc")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "grpc":
            raise
        raise UsageError(
            f"{target.name} needs gRPC, which is not installed (pip install 'tenure-server[grpc]', or give the"
            " backend's OTLP/HTTP address, for example http://127.0.0.1:4318)"
        ) from None
    return cast("Sender", module.GrpcSender(target, timeout_s, certificates))

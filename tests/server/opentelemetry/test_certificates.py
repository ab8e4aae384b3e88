"""TLS: which certificates are trusted and sent, by OpenTelemetry's environment variables."""

from __future__ import annotations

import ssl
from pathlib import Path

import grpc
import pytest
import trustme
from tests.server.support.batches import Program
from tests.server.support.collector import Clock
from tests.server.support.exporters import ended, exporting, status_when
from tests.server.support.grpc_backend import GrpcBackend, serving_grpc
from tests.server.support.otlp_backend import Backend, serving

from tenure_server.errors import UsageError
from tenure_server.opentelemetry.certificates import Certificates
from tenure_server.store import Store

PREFIX = "OTEL_EXPORTER_OTLP"
PROTOCOLS = pytest.mark.parametrize("protocol", ["https", "grpcs"])


class Files:
    """An authority's certificate, and one that it gave us, with its key; the environment names them."""

    def __init__(self, directory: Path, environment: pytest.MonkeyPatch) -> None:
        self.environment = environment
        self.authority = trustme.CA()
        self.trusted, self.own, self.key = (directory / name for name in ("trusted.pem", "own.pem", "key.pem"))
        mine = self.authority.issue_cert("exporter")
        self.authority.cert_pem.write_to_path(self.trusted)
        mine.cert_chain_pems[0].write_to_path(self.own)
        mine.private_key_pem.write_to_path(self.key)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """The variables are set to what the backends below take."""
    made = Files(tmp_path, monkeypatch)
    for what, path in (("CERTIFICATE", made.trusted), ("CLIENT_CERTIFICATE", made.own), ("CLIENT_KEY", made.key)):
        monkeypatch.setenv(f"{PREFIX}_{what}", str(path))
    return made


async def exported(protocol: str, files: Files, store: Store, clock: Clock) -> str:
    """Export two lifecycles to a backend that wants to see a certificate; how it went, once that is clear."""
    pair = files.authority.issue_cert("127.0.0.1")
    program = Program()
    ended(program, 2)
    if protocol == "https":
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files.trusted)
        tls.verify_mode = ssl.CERT_REQUIRED
        pair.configure_cert(tls)
        backend = serving(Backend(), tls=tls)
    else:
        own = pair.private_key_pem.bytes(), pair.cert_chain_pems[0].bytes()
        backend = serving_grpc(
            GrpcBackend(), credentials=grpc.ssl_server_credentials([own], files.trusted.read_bytes(), True)
        )
    async with backend as running, exporting(store, clock, running.url) as exporters:
        await store.write(program.batch())
        status = await status_when(exporters, lambda status: status.retries > 0 or status.waiting == 0)
        assert running.taken.total() == status.exported
    return status.state


@PROTOCOLS
async def test_both_sides_show_their_certificates(protocol: str, files: Files, store: Store, clock: Clock) -> None:
    """The backend's own authority is trusted, and it takes nothing from strangers."""
    assert await exported(protocol, files, store, clock) == "ok"


@PROTOCOLS
@pytest.mark.parametrize("missing", [["CERTIFICATE"], ["CLIENT_CERTIFICATE", "CLIENT_KEY"]])
async def test_who_does_not_show_enough_is_a_stranger(
    protocol: str, missing: list[str], files: Files, store: Store, clock: Clock
) -> None:
    """Nothing is sent to a backend that nobody vouches for, and all is kept: a certificate can be mended."""
    for what in missing:
        files.environment.delenv(f"{PREFIX}_{what}")
    assert await exported(protocol, files, store, clock) == "retrying"


@PROTOCOLS
async def test_the_variable_for_traces_comes_first(protocol: str, files: Files, store: Store, clock: Clock) -> None:
    """As everywhere in OpenTelemetry."""
    other = files.trusted.with_name("other.pem")
    trustme.CA().cert_pem.write_to_path(other)
    files.environment.setenv(f"{PREFIX}_CERTIFICATE", str(other))
    files.environment.setenv(f"{PREFIX}_TRACES_CERTIFICATE", str(files.trusted))
    assert await exported(protocol, files, store, clock) == "ok"


def test_what_cannot_be_used_is_refused_with_the_remedy(files: Files, tmp_path: Path) -> None:
    """Before anything is exported."""
    garbage, missing = tmp_path / "garbage.pem", tmp_path / "missing.pem"
    garbage.write_text("garbage")
    for environment, what in (
        ({f"{PREFIX}_CERTIFICATE": str(missing)}, f"${PREFIX}_CERTIFICATE cannot be used: No such file or directory ("),
        (
            {f"{PREFIX}_TRACES_CERTIFICATE": str(garbage)},
            f"${PREFIX}_TRACES_CERTIFICATE cannot be used: no certificate or crl found (",
        ),
        ({f"{PREFIX}_CERTIFICATE": str(tmp_path)}, f"${PREFIX}_CERTIFICATE cannot be used: "),
        (
            {f"{PREFIX}_CLIENT_CERTIFICATE": str(files.own), f"{PREFIX}_CLIENT_KEY": str(files.own)},
            f"${PREFIX}_CLIENT_CERTIFICATE and ${PREFIX}_CLIENT_KEY cannot be used: ",
        ),
    ):
        with pytest.raises(UsageError) as caught:
            Certificates.from_environment(environment)
        assert str(caught.value).startswith(what)
        assert str(caught.value).endswith(" (give readable PEM files)")


@pytest.mark.parametrize("given", ["CLIENT_CERTIFICATE", "CLIENT_KEY"])
def test_a_certificate_goes_with_its_key(given: str, files: Files) -> None:
    """One without the other shows nothing."""
    missing = {"CLIENT_CERTIFICATE": "CLIENT_KEY", "CLIENT_KEY": "CLIENT_CERTIFICATE"}[given]
    with pytest.raises(UsageError) as caught:
        Certificates.from_environment({f"{PREFIX}_{given}": str(files.own)})
    assert str(caught.value) == f"${PREFIX}_{given} is set and ${PREFIX}_{missing} is not (set both, or neither)"


def test_empty_variables_are_not_set() -> None:
    """As OpenTelemetry's specification has it."""
    assert Certificates.from_environment({f"{PREFIX}_CERTIFICATE": "", f"{PREFIX}_CLIENT_KEY": ""}) == Certificates()

"""Batches for another machine are compressed by zstd where it is there; those for this machine are not."""

from __future__ import annotations

import sys

import pytest
from tests.tracer.support.fake_collectors import serving

from tenure._sinks import compression, http_client
from tenure._sinks.http_client import Endpoint

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BODY = b"columns " * 1_000


def post(url: str, *bodies: bytes) -> list[int]:
    """The statuses of the answers, over one connection."""
    endpoint = Endpoint(url)
    try:
        return [endpoint.post(body).status for body in bodies]
    finally:
        endpoint.disconnect()


def test_nothing_is_compressed_on_this_machine() -> None:
    """It would cost the program more than it saves."""
    with serving((204, {}, b"")) as server:
        post(server.url, BODY)
    assert server.bodies == [BODY]
    assert "Content-Encoding" not in server.headers[0]


def test_zstd_goes_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small body stays as it is."""
    monkeypatch.setattr(http_client, "_LOOPBACK", set())
    with serving((204, {}, b"")) as server:
        post(server.url, BODY, BODY[:999])
    assert server.headers[0]["Content-Encoding"] == "zstd"
    assert zstd.decompress(server.bodies[0]) == BODY
    assert len(server.bodies[0]) < 100
    assert "Content-Encoding" not in server.headers[1]
    assert server.bodies[1] == BODY[:999]


def test_without_zstd_it_is_sent_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the interpreter nor an extra has it."""
    monkeypatch.setattr(http_client, "_LOOPBACK", set())
    monkeypatch.setattr(compression, "_MODULE", "tenure_has_no_such_module")
    with serving((204, {}, b"")) as server:
        post(server.url, BODY, BODY)
    assert server.bodies == [BODY, BODY]
    assert all("Content-Encoding" not in headers for headers in server.headers)


def test_a_collector_that_reads_no_zstd_gets_it_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """415: the same body follows at once, and the next ones are plain."""
    monkeypatch.setattr(http_client, "_LOOPBACK", set())
    with serving((415, {}, b"{}"), (204, {}, b"")) as server:
        assert post(server.url, BODY, BODY) == [204, 204]
    assert [len(body) < 100 for body in server.bodies] == [True, False, False]


def test_a_second_415_is_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What refuses the plain body too refuses it for another reason."""
    monkeypatch.setattr(http_client, "_LOOPBACK", set())
    with serving((415, {}, b"{}")) as server:
        assert post(server.url, BODY) == [415]
    assert len(server.bodies) == 2

"""Bodies that are made to take long, and legal ones as large as they may be, for the experiment ``hostile_bodies``."""

from __future__ import annotations

import gzip
import random
import sys
import zlib
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from tenure import wire
from tenure_server.opentelemetry import protobuf

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

LIFECYCLES, TRACES = "/v1/lifecycles", "/v1/traces"
PROTOBUF, JSON = "application/x-protobuf", "application/json"
M = 16 * 1024 * 1024


class Body(NamedTuple):
    """What is posted, and the statuses that are right."""

    name: str
    path: str
    kind: str
    encoding: str
    data: bytes
    statuses: frozenset[int]


def _message(field: int, *content: bytes) -> bytes:
    return protobuf.message(field, b"".join(content))


def _filled(before: bytes, unit: bytes, after: bytes = b"") -> bytes:
    return before + unit * ((M - len(before) - len(after)) // len(unit)) + after


def _padded(unit: bytes, depth: tuple[int, ...], after: bytes = b"") -> bytes:
    """16 MB of one unit, within messages by their fields."""
    content = unit * ((M - 64 - len(after)) // len(unit)) + after
    for field in reversed(depth):
        content = _message(field, content)
    return content


def packed(scale: int) -> Iterator[Body]:
    """Many members, bombs and what is cut off. ``scale`` multiplies the members."""
    bomb = zlib.compress(bytes(64 << 20), 9, wbits=31)
    bodies = [
        ("empty gzip members", "gzip", gzip.compress(b"") * (20_000 * scale), {413}),
        ("empty zstd frames", "zstd", zstd.compress(b"") * (10_000 * scale), {413}),
        ("gzip members of a byte", "gzip", gzip.compress(b"x") * (20_000 * scale), {413}),
        ("skippable zstd frames", "zstd", b"\x50\x2a\x4d\x18\0\0\0\0" * (10_000 * scale), {400, 413}),
        ("empty deflate blocks", "gzip", zlib.compress(b"", 0, wbits=31)[:10] + b"\0\0\0\xff\xff" * 3_000_000, {400}),
        ("zeros after a member", "gzip", gzip.compress(b"") + bytes(M - 100), {400}),
        ("a gzip bomb", "gzip", bomb, {413}),
        ("a zstd bomb", "zstd", zstd.compress(bytes(64 << 20)), {413}),
        ("a small zstd bomb", "zstd", zstd.compress(bytes(M - 1)), {400, 413}),
        ("gzip cut off", "gzip", bomb[:-9], {413}),
        ("zeros", "gzip", bytes(M), {400}),
    ]
    for path, kind in ((LIFECYCLES, wire.CONTENT_TYPE), (TRACES, PROTOBUF)):
        for name, encoding, data, statuses in bodies:
            # Nothing at all is a request of no spans.
            right = statuses | {200, 400} if path == TRACES and 400 in statuses else statuses
            yield Body(name, path, kind, encoding, data, frozenset(right))


def spans() -> Iterator[Body]:
    """OTLP of as many small things as 16 MiB hold."""
    for name, data, status in [
        ("empty resources", _filled(b"", b"\x0a\0"), 413),
        ("unknown fields", _filled(b"", b"\x10\0"), 413),
        ("empty scopes", _padded(b"\x12\0", (1,)), 413),
        ("resources in one", _padded(b"\x0a\0", (1,)), 413),
        ("attributes of a resource", _padded(b"\x0a\0", (1, 1)), 413),
        ("fields of an attribute", _padded(b"\x18\0", (1, 1, 1)), 413),
        ("short attributes", _message(1, _message(1, _message(1, b"\x18\0" * 100) * 80_000)), 413),
        ("unknown fields of a scope", _padded(b"\x18\0", (1, 2)), 200),
        ("empty spans", _padded(b"\x12\0", (1, 2)), 413),
        ("unknown fields of a span", _padded(b"\x50\0", (1, 2, 2)), 200),
        ("kinds of a span", _padded(b"\x30\0", (1, 2, 2)), 200),
        ("attributes of a span", _padded(b"\x4a\0", (1, 2, 2)), 200),
        ("events of a failed span", _padded(b"\x5a\0", (1, 2, 2), _message(15, b"\x18\x02")), 413),
        ("fields of a status", _padded(b"\x20\0", (1, 2, 2, 15)), 413),
    ]:
        yield Body(name, TRACES, PROTOBUF, "", data, frozenset({status}))
    span = b'{"resourceSpans":[{"scopeSpans":[{"spans":['
    for name, before, unit, after, most, status in [
        ("resources in JSON", b'{"resourceSpans":[', b"{}", b"{}]}", M, 413),
        ("a million resources in JSON", b'{"resourceSpans":[', b"{}", b"{}]}", 999_000, 200),
        ("attributes in JSON", span + b'{"attributes":[', b'{"key":"a","value":{"intValue":1}}', b"{}]}]}]}]}", M, 200),
        ("an unknown list in JSON", b'{"x":[', b"0", b"0]}", M, 200),
        ("lists in lists in JSON", b'{"x":', b"[", b"", M, 400),
    ]:
        piece = unit + b"," if unit != b"[" else unit
        count = min(most, (M - len(before) - len(after)) // len(piece))
        yield Body(name, TRACES, JSON, "", before + piece * count + after, frozenset({status}))


def batches() -> Iterator[Body]:
    """Batches that are none, or that hold what no tracer would send."""
    chance = random.Random(0)
    plain = msgspec.msgpack.decode(legal_batch(chance, 10))
    pools = plain | {"pools": [[0, 1, None, [1] * 1_000] for _ in range(16_000)]}
    for name, data in [
        ("an unknown list", b"\x81\xa1x\xdd" + (M - 8).to_bytes(4, "big") + b"\xc0" * (M - 8)),
        ("lists in lists", _filled(b"\x81\xa1x", b"\x91")),
        ("pools", msgspec.msgpack.encode(pools)),
        ("reasons", msgspec.msgpack.encode(plain | {"dropped": {f"{n:x}": 1 for n in range(1_500_000)}})),
    ]:
        yield Body(name, LIFECYCLES, wire.CONTENT_TYPE, "", data, frozenset({400}))


def legal_batch(chance: random.Random, size: int = 20_000) -> bytes:
    """A batch of a process of its own, as large as it may be where ``size`` is 20,000."""
    name = "n" * 380
    return msgspec.msgpack.encode(
        {
            "version": wire.VERSION,
            "process": [chance.randbytes(16), "hostile", "host", 1, "3.11", 10**18],
            "sequence": 1,
            "clock_offset_ns": 0,
            "base_ns": 10**18,
            "sites": [["f", 1, "f", "e"]] * size,
            "resources": [[n + 1, name, name, None] for n in range(size)],
            "tasks": [[n + 1, "t", "c", "task", 0, 0, None, None] for n in range(size)],
            "traces": [[n + 1] for n in range(size)],
            "exceptions": [],
            "rows": [[n + 1, 0, n, n, n, n, 1, 1, 1, 1, 0] for n in range(size)],
        }
    )


def legal_spans(chance: random.Random, resources: int) -> bytes:
    """20,000 spans in so many resources, 16 MB: their own attributes mean nothing here."""
    ballast = protobuf.attribute(9, "note", "x" * 680)
    groups = []
    for number in range(resources):
        spans = []
        for n in range(20_000 // resources):
            start = 10**18 + n * 1_000_000
            spans.append(
                _message(
                    2,
                    _message(1, chance.randbytes(16)),
                    _message(2, chance.randbytes(8)),
                    protobuf.text(5, "GET"),
                    b"\x39" + start.to_bytes(8, "little") + b"\x41" + (start + 5_000).to_bytes(8, "little"),
                    ballast,
                )
            )
        service = protobuf.attribute(1, "service.name", f"hostile-{number}")
        groups.append(_message(1, _message(1, service), _message(2, *spans)))
    return b"".join(groups)


def legal(chance: random.Random, count: int) -> list[Body]:
    """So many legal bodies of 16 MB, of every kind."""
    fine = frozenset({200})
    kinds = [
        lambda: Body("a legal batch", LIFECYCLES, wire.CONTENT_TYPE, "", legal_batch(chance), fine),
        lambda: Body("legal spans", TRACES, PROTOBUF, "", legal_spans(chance, 1), fine),
        lambda: Body("legal spans of 2,000 services", TRACES, PROTOBUF, "", legal_spans(chance, 2_000), fine),
        lambda: Body("a packed batch", LIFECYCLES, wire.CONTENT_TYPE, "zstd", zstd.compress(legal_batch(chance)), fine),
    ]
    return [kinds[n % len(kinds)]() for n in range(count)]


def mutated(chance: random.Random, count: int) -> Iterator[Body]:
    """Legal bodies, small ones, with bytes changed, taken out and put in, before or after they were packed."""
    sources = [
        (LIFECYCLES, wire.CONTENT_TYPE, legal_batch(chance, 20)),
        (TRACES, PROTOBUF, legal_spans(chance, 1)[:200] + legal_spans(chance, 4_000)[:8_000]),
    ]
    packers = {"": bytes, "gzip": gzip.compress, "zstd": zstd.compress}
    for _ in range(count):
        path, kind, source = chance.choice(sources)
        encoding = chance.choice(list(packers))
        data = bytearray(source)
        if chance.random() < 0.5:
            _damage(data, chance)
        data = bytearray(
            packers[encoding](bytes(data[: len(data) // 2])) + packers[encoding](bytes(data[len(data) // 2 :]))
        )
        if chance.random() < 0.7:
            _damage(data, chance)
        yield Body("mutated", path, kind, encoding, bytes(data), frozenset({200, 400, 413}))


def _damage(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(data) + 1)
        data[at : at + chance.randint(0, 4)] = chance.randbytes(chance.randint(0, 4))

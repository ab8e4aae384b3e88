"""Bodies that were damaged on their way, and bodies made to exhaust the collector."""

from __future__ import annotations

import zlib

from hypothesis import strategies as st
from tests.server.support.spans import CLIENT, group, request, span

WHOLE = request(
    group(
        "shop",
        span(2, "SELECT", begin=2, end=3, parent=1, kind=CLIENT, db_system="mysql", error=("ValueError", "no")),
        span(1, "GET /orders", begin=1, end=5, thread_id=7, http_route="/orders"),
        service_instance_id="one",
    ),
    group("payment", span(3, "POST", begin=2, end=4, parent=1)),
)

_PLACE = st.integers(0, 1 << 16)
DAMAGES = st.one_of(
    st.tuples(st.just("flip"), _PLACE, st.integers(0, 7)),
    st.tuples(st.just("set"), _PLACE, st.integers(0, 255)),
    st.tuples(st.just("cut"), _PLACE, st.just(0)),
    st.tuples(st.just("drop"), _PLACE, st.integers(1, 40)),
    st.tuples(st.just("repeat"), _PLACE, st.integers(1, 40)),
)


def damaged(body: bytes, damages: list[tuple[str, int, int]]) -> bytes:
    """The body with these damages, one after another."""
    for kind, place, amount in damages:
        place %= len(body) or 1  # noqa: PLW2901
        rest = body[place:]
        match kind:
            case "cut":
                rest = b""
            case "drop":
                rest = rest[amount:]
            case "repeat":
                rest = rest[:amount] + rest
            case "flip" if rest:
                rest = bytes([rest[0] ^ 1 << amount]) + rest[1:]
            case "set" if rest:
                rest = bytes([amount]) + rest[1:]
        body = body[:place] + rest
    return body


def bomb(level: int = 9) -> bytes:
    """64 MiB of zeros, compressed by gzip."""
    packer = zlib.compressobj(level, wbits=31)
    piece = b"\0" * (1 << 20)
    return b"".join(packer.compress(piece) for _ in range(64)) + packer.flush()

from collections.abc import Callable

from tenure_server.ingest.otlp.spans import Span

LAYOUT: int  # raise it in server/native/module.c and scan_backend.py when this file changes

class _Wanted: ...  # a capsule

def prepare(of_shapes: tuple[bytes, ...], of_times: tuple[bytes, ...], /) -> _Wanted: ...
def scan(
    data: bytes,
    room: int,
    wanted: _Wanted,
    error_of: Callable[[bytes, list[bytes]], tuple[str, str] | None],
    /,
) -> tuple[bytes, list[Span]]: ...

from collections.abc import Callable

from tenure_server.otlp.spans import Span

def scan(
    data: bytes,
    room: int,
    wanted: tuple[bytes, ...],
    error_of: Callable[[bytes, list[bytes]], tuple[str, str] | None],
    /,
) -> tuple[bytes, list[Span]]: ...

"""Programs in three ways: bare, recorded by Tenure, and under opentelemetry-instrument."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

WAYS = ("bare", "recorded", "opentelemetry")
_INSTRUMENT = Path(sys.executable).with_name("opentelemetry-instrument")


def command(way: str, module: str, *arguments: str, collector: str, sink: str) -> tuple[list[str], dict[str, str]]:
    """How to run a module in this way, and the variables that it needs more."""
    if way == "recorded":
        return [sys.executable, "-m", "tenure", "run", "--collector", collector, "-m", module, *arguments], {}
    if way == "opentelemetry":
        variables = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": sink,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_LOGS_EXPORTER": "none",
            "OTEL_SERVICE_NAME": module,
        }
        return [str(_INSTRUMENT), sys.executable, "-m", module, *arguments], variables
    return [sys.executable, "-m", module, *arguments], {}


@contextmanager
def running(
    command: Sequence[str], variables: Mapping[str, str] | None = None, folder: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that is interrupted at the end."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TENURE_", "OTEL_"))}
    program = subprocess.Popen(
        command,
        env=clean | dict(variables or {}),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield program
    finally:
        program.send_signal(2)
        try:
            program.wait(10)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used so far, to a hundredth of a second."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)

"""Programs under `tenure doctor`, and their reports."""

import json
import os
from pathlib import Path
from typing import Any

from tests.tracer.support import programs
from tests.tracer.support.programs import Done

LIBRARY = """
    class Manager:
        async def __aenter__(self): return self
        async def __aexit__(self, *details): return None

    async def use(manager):
        async with manager:
            pass
"""
OWN = {
    "app": """
        import asyncio
        from helper import Manager, use

        async def main():
            async with Manager():
                pass
            await use(Manager())
            await use(Manager())

        asyncio.run(main())
    """,
    "helper": LIBRARY,
}


def examine(directory: Path, *arguments: str, **environment: str) -> tuple[Done, dict[str, Any]]:
    """Run a program under the doctor; how it ended, and the report as values."""
    done = programs.tenure(directory, "doctor", "--json", "-o", "report.json", *arguments, **environment)
    return done, json.loads((directory / "report.json").read_text())


def missed(report: dict[str, Any], part: str = "missed") -> list[str]:
    """What was missed, in one line each: count, type, place and reason."""
    return [
        f"{entry['count']} {entry['type']} at {Path(entry['file']).name}:{entry['line']} "
        f"in {entry['function']}: {entry['reason']}"
        for entry in report[part]
    ]


def recorded(report: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {entry["type"]: entry["how"] for entry in report["recorded"]}


def install(directory: Path, **sources: str) -> dict[str, str]:
    """Put modules where installed packages lie; the environment in which they are found."""
    installed = directory / "site-packages"
    programs.write(installed, **sources)
    return {"PYTHONPATH": os.pathsep.join([str(installed), os.environ.get("PYTHONPATH", "")])}

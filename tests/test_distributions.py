"""The two distributions, as they are built and as they are declared."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tenure_server.http import dashboard

pytestmark = pytest.mark.timeout(300)  # a build fetches what it is built with

ROOT = Path(__file__).parent.parent
FLOORS = {"aiohttp": "3.14.4", "protobuf": "6.33.5"}  # below these are releases with published security faults


@pytest.mark.parametrize("name", ["tracer", "server"])
def test_the_same_sources_make_the_same_wheel(name: str, tmp_path: Path) -> None:
    """Built twice, in two directories, under one SOURCE_DATE_EPOCH, a wheel is the same to the byte."""
    first, second = (_wheel(name, tmp_path / str(number), TENURE_NATIVE="require") for number in range(2))
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()
    assert f"-cp{sys.version_info[0]}{sys.version_info[1]}-" in first.name  # it has the part in C


@pytest.mark.parametrize("name", ["tracer", "server"])
@pytest.mark.parametrize(
    "environment", [{"TENURE_NATIVE": "none"}, {"CC": "/nowhere/cc"}], ids=["not wanted", "no compiler"]
)
def test_a_wheel_without_native_code_is_for_every_python(
    name: str, environment: dict[str, str], tmp_path: Path
) -> None:
    """Where the part in C is not wanted or cannot be compiled, the wheel has none of it and is py3-none-any."""
    wheel = _wheel(name, tmp_path, TENURE_SKIP_WEB="1", **environment)

    assert wheel.name.endswith("-py3-none-any.whl")
    assert not [file for file in zipfile.ZipFile(wheel).namelist() if file.endswith((".so", ".pyd"))]
    assert "Root-Is-Purelib: true" in _metadata(wheel, "WHEEL")


@pytest.mark.parametrize("name", ["tracer", "server"])
def test_native_code_that_is_required_must_compile(name: str, tmp_path: Path) -> None:
    """With TENURE_NATIVE=require a build without a compiler fails, so no release lacks it unnoticed."""
    with pytest.raises(subprocess.CalledProcessError):
        _wheel(name, tmp_path, TENURE_SKIP_WEB="1", TENURE_NATIVE="require", CC="/nowhere/cc")


def _metadata(wheel: Path, file: str) -> str:
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith(f".dist-info/{file}"))
    return archive.read(name).decode()


def _wheel(name: str, directory: Path, **variables: str) -> Path:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "tracer", "server", "web"]
    files = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\n")
    for file in filter(None, files):
        if (ROOT / file).exists():
            (directory / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, directory / file)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1790000000", **variables}
    subprocess.run([*pip, "--wheel-dir", directory / "wheels", directory / name], env=environment, check=True)
    (wheel,) = (directory / "wheels").iterdir()
    return wheel


def test_the_dashboard_is_served_from_where_the_build_puts_it() -> None:
    """The files that both distributions carry and that the browser tests build are those that the server looks for."""
    project = tomllib.loads((ROOT / "server" / "pyproject.toml").read_text())
    targets = project["tool"]["hatch"]["build"]["targets"]
    carried = {target: artifacts["artifacts"] for target, artifacts in targets.items()}
    assert carried
    for artifacts in carried.values():
        assert f"{dashboard.STATIC.relative_to(ROOT / 'server')}/**" in artifacts


@pytest.mark.parametrize(("package", "floor"), FLOORS.items())
def test_no_release_with_a_published_fault_satisfies_a_declared_dependency(package: str, floor: str) -> None:
    """Wherever a distribution names the package, directly or in an extra, the floor is declared."""
    named = [requirement for requirement in _declared() if requirement.name == package]
    assert named
    major, minor, _ = floor.split(".")
    for requirement in named:
        assert requirement.specifier.contains(floor)
        assert not requirement.specifier.contains(f"{major}.{int(minor) - 1}.999")


def _declared() -> list[Requirement]:
    found: list[str] = []
    for name in ("tracer", "server"):
        project = tomllib.loads((ROOT / name / "pyproject.toml").read_text())["project"]
        found += project["dependencies"]
        for extra in project["optional-dependencies"].values():
            found += extra
    return [Requirement(text) for text in found]

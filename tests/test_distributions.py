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


def test_the_server_s_wheel_works_with_the_tracer_s(tmp_path: Path) -> None:
    """The server names and encodes a span with the leaves that the tracer's wheel carries, and nothing of the tree."""
    for name in ("tracer", "server"):
        wheel = _wheel(name, tmp_path / name, TENURE_SKIP_WEB="1", TENURE_NATIVE="none")
        zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    command = [sys.executable, "-P", "-c", SPAN_OF_A_REQUEST]
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    run = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)

    places, name = run.stdout.splitlines()
    assert all(Path(place).is_relative_to(tmp_path / "installed") for place in places.split(os.pathsep))
    assert name == "Pool.begin orders tenure.wait_time"


SPAN_OF_A_REQUEST = """
import os
import tenure, tenure.semconv, tenure_server, tenure_server.app
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from tenure_server.export.span_encoder import encode
from tenure_server.model.records import Lifecycle, Process, ResourceRef, Site, TaskRef
from tenure_server.store import ClosedLifecycle, ClosedLifecycles

modules = tenure, tenure.semconv, tenure_server, tenure_server.app
print(os.pathsep.join(module.__file__ for module in modules))
process = Process("0a" * 16, "shop", "host-1", 1, "3.11.7", 0, 0, alive=False, dropped={})
lifecycle = Lifecycle(
    id=f"{process.id}-1", process=process.id, service="shop", trace="0b" * 16, parent=None, phase="closed",
    suppressed=False, task=TaskRef(f"{process.id}-2", "main"),
    resource=ResourceRef(f"{process.id}-3", "shop.Pool.begin", "orders", None),
    site=Site("shop.py", 1, "main", "pool.begin()"), acquire_ns=1, acquired_ns=2, release_ns=3, released_ns=4,
    acquire_outcome="ok", body_outcome="ok", release_outcome="ok", exception=None,
)
closed = ClosedLifecycles([ClosedLifecycle(lifecycle, 4)], {process.id: process}, context=[], position=1, expired=0)
(span,) = ExportTraceServiceRequest.FromString(encode(closed)).resource_spans[0].scope_spans[0].spans
print(span.name, span.attributes[0].key)
"""


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

"""Packages of other people as an installer leaves them: metadata beside modules, in a folder of ``sys.path``."""

import tomllib
from pathlib import Path


def install(folder: Path, pyproject: str) -> None:
    """Write the metadata of a package, as its pyproject.toml says; its modules are there already."""
    project = tomllib.loads(pyproject)["project"]
    name, version = project["name"], project["version"]
    metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    groups = project["entry-points"].items()
    text = "".join(f"[{group}]\n" + "".join(f"{key} = {points[key]}\n" for key in points) for group, points in groups)
    (metadata / "entry_points.txt").write_text(text)

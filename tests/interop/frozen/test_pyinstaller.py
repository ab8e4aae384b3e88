"""A program that PyInstaller has frozen, in one folder: recorded by its environment, by adapters or with its source."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.tracer.support.fake_collectors import serving

pytestmark = pytest.mark.interop

TRACER = Path(__file__).parents[3] / "tracer"
APP = """
import asyncio, os
if "INSTALL" in os.environ:
    import tenure
    tenure.install()
import shop
asyncio.run(shop.use())
print("done")
"""
SHOP = """
import asyncio
class Manager:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): pass
lock = asyncio.Lock()
async def use():
    async with Manager(): pass
    async with lock: pass
"""
SPEC = """
analysis = Analysis(["app.py"], hiddenimports=["tenure"], module_collection_mode={mode})
exe = EXE(PYZ(analysis.pure), analysis.scripts, exclude_binaries=True, name="app")
COLLECT(exe, analysis.binaries, analysis.datas, name="app")
"""
ENTERED = {"{}": [("shop.py", 9, "")], "{'shop': 'pyz+py'}": [("shop.py", 8, "Manager()"), ("shop.py", 9, "lock")]}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", ENTERED)
def test_a_frozen_program(mode: str, tmp_path: Path) -> None:
    """It behaves the same recorded or not; where no source was collected, one line says what to do."""
    (tmp_path / "app.py").write_text(APP)
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "app.spec").write_text(SPEC.format(mode=mode))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TENURE_")}
    command = [
        os.environ["TENURE_INTEROP_PYTHON"],
        "-m",
        "PyInstaller",
        "--noconfirm",
        "--log-level",
        "ERROR",
        "app.spec",
    ]
    build = {**environment, "PYTHONPATH": str(TRACER), "PYINSTALLER_CONFIG_DIR": str(tmp_path / "cache")}
    subprocess.run(command, cwd=tmp_path, env=build, check=True, timeout=250)

    def run(**variables: str) -> subprocess.CompletedProcess[str]:
        program = str(tmp_path / "dist" / "app" / "app")
        return subprocess.run(
            [program], env={**environment, **variables}, capture_output=True, text=True, timeout=60, check=True
        )

    assert (run().stdout, run().stderr) == ("done\n", "")
    for variables in ({"TENURE_RECORD": "1"}, {"INSTALL": "1"}):
        with serving() as server:
            done = run(TENURE_COLLECTOR=server.url, **variables)
        assert done.stdout == "done\n"
        if mode == "{}":
            assert done.stderr.count("\n") == 1
            assert "frozen without its source" in done.stderr
        else:
            assert done.stderr == ""
        sites = {row.id: batch.sites[row.site] for batch in server.received for row in batch.rows}
        assert [(site.file, site.line, site.expression) for _, site in sorted(sites.items())] == ENTERED[mode]
        assert all(batch.dropped == {} for batch in server.received)

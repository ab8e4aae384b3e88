"""Jupyter notebooks, executed by nbclient with ipykernel: what cells enter is recorded, and nothing of the kernel."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.tracer.support.fake_collectors import serving

pytestmark = pytest.mark.interop

TRACER = Path(__file__).parents[3] / "tracer"
EXECUTE = """
import json, sys, nbformat
from nbclient import NotebookClient
cells = [nbformat.v4.new_code_cell(text) for text in json.load(sys.stdin)]
notebook = nbformat.v4.new_notebook(cells=cells)
NotebookClient(notebook, kernel_name="python3").execute()
print(json.dumps([output for cell in notebook.cells for output in cell.outputs]))
"""
MANAGER = """class M:
    async def __aenter__(self): return self
    async def __aexit__(self, *details): pass"""
CELL = """import asyncio
lock = asyncio.Lock()
async def use():
    async with lock: pass
    async with M(): return 1
async with M() as a:
    await use()
await use()"""
PLACES = [(6, "<module>", "M()"), (4, "use", "lock"), (5, "use", "M()"), (4, "use", "lock"), (5, "use", "M()")]


def outputs(cells: list[str], **environment: str) -> list[object]:
    """What the cells of a notebook show, whose kernel has this environment."""
    done = subprocess.run(
        [os.environ["TENURE_INTEROP_PYTHON"], "-c", EXECUTE],
        input=json.dumps(cells),
        capture_output=True,
        text=True,
        timeout=110,
        check=True,
        env={**os.environ, "PYTHONPATH": str(TRACER), **environment},
    )
    shown: list[object] = json.loads(done.stdout)
    return shown


@pytest.mark.parametrize("beginning", ["%load_ext tenure", "import tenure; tenure.install()"])
def test_cells_are_recorded(beginning: str) -> None:
    """Each has the kernel's name for its file, its lines and its source text; the notebook shows the same."""
    with serving() as server:
        shown = outputs([MANAGER, beginning, CELL], TENURE_COLLECTOR=server.url)
    assert shown == [
        {"output_type": "execute_result", "metadata": {}, "data": {"text/plain": "1"}, "execution_count": 3}
    ]
    sites = {row.id: batch.sites[row.site] for batch in server.received for row in batch.rows}
    assert [(site.line, site.function, site.expression) for _, site in sorted(sites.items())] == PLACES
    assert all("ipykernel_" in site.file for site in sites.values())

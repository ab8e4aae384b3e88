"""A worker of celery with child processes: each child records the tasks that it runs."""

import signal
import subprocess
import sys

import pytest
from tests.tracer.support import programs

from tenure import testing

SHOP = """
    import asyncio
    from celery import Celery
    app = Celery("shop", broker="filesystem://")
    app.conf.broker_transport_options = {
        "data_folder_in": "queue", "data_folder_out": "queue", "control_folder": "control",
    }

    async def hold():
        async with asyncio.timeout(9):
            await asyncio.sleep(0)

    @app.task(name="shop.bill")
    def bill():
        asyncio.run(hold())
        print("billed", flush=True)
"""
WORKER = ["celery", "-A", "shop", "worker", "--loglevel", "WARNING", "-c", "1", "--without-gossip", "--without-mingle"]


@pytest.mark.skipif(sys.platform == "win32", reason="celery has no child processes there")
def test_children_record_their_tasks(tmp_path) -> None:
    """The task is a root of the child's, with what asyncio.run held below it; the child is stopped by its parent."""
    programs.write(tmp_path, shop=SHOP)
    for folder in ("queue", "control"):
        (tmp_path / folder).mkdir()
    assert programs.python(tmp_path, "-c", "import shop; shop.bill.delay()").status == 0
    worker = subprocess.Popen(
        [sys.executable, "-m", "tenure", "run", "-o", "x.json", "-m", *WORKER],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert worker.stdout is not None
        assert any("billed" in line for line in worker.stdout)
        worker.send_signal(signal.SIGTERM)
        worker.communicate(timeout=60)
    finally:
        worker.kill()
        worker.wait()
    rows = {
        (batch.process.pid, row.id): row
        for batch in programs.recorded(tmp_path / "x.json")
        for row in testing.lifecycles_of(batch)
    }
    assert {pid for pid, _ in rows} - {worker.pid}
    assert [(row.resource, row.outcomes, row.parent) for _, row in sorted(rows.items())] == [
        ("celery.Task shop.bill", "ok ok ok", 0),
        ("asyncio.timeout 9 s", "ok ok ok", 1),
    ]

"""``tenure export`` is without what libraries enter for their own ends, says how many that are, and gives them too."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.server.support.batches import Program
from tests.server.support.collector import Collector
from tests.server.support.recordings import recording

from tenure_server.cli import export
from tenure_server.offline import archive
from tenure_server.offline.sources import open_source


def batch():
    program = Program()
    own = program.use("main", "Pool orders", acquire=0, wait=1, hold=5, release=1)
    library = program.use("main", "Lock own", acquire=2, wait=1, hold=1, release=1, parent=own)
    library.site = replace(library.site, internal=True)
    return program.batch(final=True)


def names_on_page(source: str, *, internal: bool) -> list[str]:
    with open_source(source, print, internal=internal) as opened:
        return [lifecycle.resource.name for lifecycle in archive.gather(opened, None).lifecycles]


@pytest.mark.parametrize("from_collector", [False, True])
async def test_every_format(
    tmp_path: Path, collector: Collector, capsys: pytest.CaptureFixture[str], from_collector: bool
) -> None:
    source = str(recording(tmp_path / "run.json", batch()))
    if from_collector:
        await collector.post(batch())
        source = collector.url
    for options, names, left_out in ((), ["orders"], 1), (("--internal",), ["orders", "own"], 0):
        assert await asyncio.to_thread(export.main, [source, "--to", "json", *options]) == 0
        document = json.loads(capsys.readouterr().out)
        assert [lifecycle["resource"]["name"] for lifecycle in document["lifecycles"]] == names
        assert document["internal"] == left_out
        assert await asyncio.to_thread(export.main, [source, "--to", "mermaid", *options]) == 0
        assert ("own" in capsys.readouterr().out) is bool(options)
        assert await asyncio.to_thread(export.main, [source, "--to", "otlp", *options]) == 0
        assert ("Lock own" in capsys.readouterr().out) is bool(options)
        assert await asyncio.to_thread(names_on_page, source, internal=bool(options)) == names


async def test_the_lists_and_the_diagram_of_the_api(collector: Collector) -> None:
    await collector.post(batch())
    for query, count in ("", 1), ("?internal=1", 2):
        assert len((await collector.answer(f"/api/lifecycles{query}"))["items"]) == count
        assert len((await collector.answer(f"/api/resources{query}"))["items"]) == count
        assert [trace["lifecycles"] for trace in (await collector.answer(f"/api/traces{query}"))["items"]] == [count]
        assert (await collector.answer(f"/api/diagram{query}"))["internal"] == 2 - count

"""``tenure export --to html``: one page that contains everything it shows."""

from __future__ import annotations

import asyncio
import base64
import gzip
import re
from pathlib import Path

import msgspec
import pytest
from tests.server.support.batches import Program
from tests.server.support.collector import Collector
from tests.server.support.recordings import recording
from tests.server.support.textbook import textbook

from tenure_server.diagram import mermaid
from tenure_server.errors import UsageError
from tenure_server.model.lens import Lens
from tenure_server.offline import archive
from tenure_server.offline.archive import Archive, gather, render
from tenure_server.offline.archive import gathering as gathering_module
from tenure_server.offline.archive.contents import ArchivedDiagram
from tenure_server.offline.sources import open_source

INDEX = """<!doctype html>
<html lang="en">
  <head>
    <title>Tenure</title>
    <link rel="icon" href="./icon.svg" type="image/svg+xml" />
    <script type="module" crossorigin src="./assets/index-1.js"></script>
    <link rel="stylesheet" crossorigin href="./assets/index-1.css">
  </head>
  <body>
    <div id="app"></div>
  </body>
</html>
"""


@pytest.fixture
def static(tmp_path: Path) -> Path:
    """A dashboard as Vite builds it, with a script that could end its own element."""
    folder = tmp_path / "static"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "assets" / "index-1.js").write_text("const a = '</script><!--'; // \\1 \\g<0>")
    (folder / "assets" / "index-1.css").write_text("p { color: red }")
    return folder


def gathered(path: Path, program: Program, trace: str | None = None) -> Archive:
    return of_source(str(recording(path / "run.json", program.batch(final=True))), trace)


def of_source(text: str, trace: str | None = None) -> Archive:
    with open_source(text, print) as source:
        return gather(source, trace)


def by_lens(found: Archive) -> dict[bytes, ArchivedDiagram]:
    return {msgspec.json.encode(view.lens): found.pictures[view.picture] for view in found.views}


def carried(page: str) -> Archive:
    found = re.search(r'<script type="application/gzip" id="archive">([^<]*)</script>', page)
    assert found is not None
    return msgspec.json.decode(gzip.decompress(base64.b64decode(found[1])), type=Archive)


def two_traces() -> Program:
    program = Program()
    for _ in range(3):
        program.use("main", "Lock stock", acquire=len(program.uses) * 10, wait=1, hold=1, release=1)
    program.use("worker", "Pool orders", acquire=5, wait=1, hold=1, release=1)
    return program


def test_a_page_carries_a_diagram_of_every_subject_in_every_way(tmp_path: Path) -> None:
    """Everything, the process, each trace, resource and task: folded or not, tasks grouped or not."""
    program = two_traces()
    found = gathered(tmp_path, program)
    subjects = [
        {},
        {"process": program.hex},
        *({"trace": trace.id} for trace in found.overview.traces),
        *({"resource": resource.id} for resource in found.overview.resources),
        *({"task": program.id(number)} for number in (1, 2)),
    ]
    lenses = {msgspec.json.encode(view.lens) for view in found.views}
    wanted = {
        msgspec.json.encode(Lens(**subject, fold=fold, tasks=tasks))
        for subject in subjects
        for fold in (True, False)
        for tasks in ("task", "coroutine")
    }
    assert lenses == wanted
    assert found.left_out == 0
    assert [lifecycle.id for lifecycle in found.lifecycles] == [program.id(n) for n in (1, 4, 2, 3)]
    for picture in found.pictures:
        head, _, text = picture.mermaid.partition("\n---\n")
        assert head.startswith('---\ntitle: "shop #4001, 2023-11-14 22:13:20')
        assert text == mermaid(picture.steps)


def test_equal_diagrams_are_carried_once(tmp_path: Path) -> None:
    """The textbook case is the same picture whatever it is looked at by."""
    found = gathered(tmp_path, textbook())
    assert len(found.views) > len(found.pictures)
    assert {view.picture for view in found.views} == set(range(len(found.pictures)))


def test_of_one_trace_only_what_belongs_to_it_is_carried(tmp_path: Path) -> None:
    """Its diagram, its lifecycles, its process and its resources."""
    program = two_traces()
    trace = program.trace_id(4)
    found = gathered(tmp_path, program, trace)
    assert {view.lens.trace for view in found.views} == {trace}
    assert [lifecycle.id for lifecycle in found.lifecycles] == [program.id(4)]
    assert [item.id for item in found.overview.traces] == [trace]
    assert [item.name for item in found.overview.resources] == ["orders"]


def test_where_there_is_no_more_room_subjects_are_left_out_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything comes first, and is there."""
    monkeypatch.setattr(gathering_module, "MAX_PAGE_STEPS", 0)
    found = gathered(tmp_path, two_traces())
    assert {view.lens.trace for view in found.views} == {None}
    assert found.left_out == 4 + 2 + 2  # the traces, the resources, the tasks; the process is everything


def test_lifecycles_that_are_in_no_diagram_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest are held, also where they are folded; the page says how to get the others."""
    monkeypatch.setattr(gathering_module, "MAX_DIAGRAM", 20)
    monkeypatch.setattr(gathering_module, "MAX_PAGE_STEPS", 0)
    program = Program()
    for number in range(25):
        program.use("main", "Lock stock", acquire=number, wait=0, hold=0.5, release=0)
    source = recording(tmp_path / "run.json", program.batch(final=True))
    with open_source(str(source), print) as opened:
        archive = gather(opened, None, "tenure export run.json --to html --trace ID")
    assert [lifecycle.id for lifecycle in archive.lifecycles] == [program.id(number) for number in range(6, 26)]
    assert (archive.lifecycles_left_out, archive.remedy) == (5, "tenure export run.json --to html --trace ID")
    assert all("5 earlier lifecycles are left<br/>out" in picture.mermaid for picture in archive.pictures)


async def test_a_collector_gives_the_same_page_as_a_recording(tmp_path: Path, collector: Collector) -> None:
    """The same picture by every lens; the order of the resources may be another."""
    batch = two_traces().batch(final=True)
    await collector.post(batch)

    asked = await asyncio.to_thread(of_source, collector.url)
    recorded = await asyncio.to_thread(of_source, str(recording(tmp_path / "run.json", batch)))

    assert asked.lifecycles == recorded.lifecycles
    assert by_lens(asked) == by_lens(recorded)


def test_the_page_stands_alone(tmp_path: Path, static: Path) -> None:
    """Script, styles and icon are in it; it names no file and no host, and its policy allows it none."""
    found = gathered(tmp_path, textbook())
    page = render(found, "run.json & more", static)
    assert re.findall(r'(?:src|href)="(?!data:)', page) == []
    assert "default-src 'none'" in page
    assert "<title>run.json &amp; more - Tenure</title>" in page
    assert "<style>p { color: red }</style>" in page
    assert "const a = '<\\/script><\\!--'; // \\1 \\g<0>" in page
    assert carried(page) == found


def test_names_cannot_become_markup(tmp_path: Path, static: Path) -> None:
    """Whatever a program calls its tasks, nothing of it stands in the page as text."""
    program = Program()
    program.use("</script><b>evil", "Lock stock", acquire=0, wait=1, hold=1, release=1)
    page = render(gathered(tmp_path, program), "x", static)
    assert "evil" not in page
    assert carried(page).lifecycles[0].task.name == "</script><b>evil"


def test_without_a_built_dashboard_the_remedy_is_said(tmp_path: Path, static: Path) -> None:
    """Also where it is one of another shape."""
    found = gathered(tmp_path, textbook())
    with pytest.raises(UsageError, match=r"is not built \(reinstall tenure-server"):
        render(found, "x", tmp_path / "nowhere")
    (static / "index.html").write_text("<html></html>")
    with pytest.raises(UsageError, match=r"belongs to another version \(reinstall tenure-server\)"):
        archive.render(found, "x", static)

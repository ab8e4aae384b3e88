"""The recordings of the textbook program and its variations."""

from pathlib import Path

import pytest
from tests.tracer.support import programs

from tenure import wire
from tenure.testing import Lifecycle, lifecycles_of

EXAMPLES = Path(__file__).parents[3] / "examples"


def recorded(example: str, tmp_path: Path, *options: str) -> tuple[programs.Done, list[wire.Batch]]:
    """Run an example by ``tenure run`` and compare how it ends with ``python``."""
    script = str(EXAMPLES / f"{example}.py")
    done = programs.tenure(tmp_path, "run", *options, "-o", "x.json", script)
    return done, programs.recorded(tmp_path / "x.json")


def closed(batches: list[wire.Batch]) -> list[Lifecycle]:
    """Each lifecycle in its last state, in the order of the acquires."""
    last = {row.id: row for batch in batches for row in lifecycles_of(batch)}
    return [last[number] for number in sorted(last)]


def about_a_second(duration: int | None) -> bool:
    return duration is not None and 950_000_000 < duration < 1_800_000_000


def test_the_textbook_program_is_one_lifecycle_of_one_task(tmp_path: Path) -> None:
    """A second to acquire, hardly anything held, a second to release; seen while it was going on."""
    done, batches = recorded("textbook", tmp_path)
    assert done.status == 0
    assert done.stdout.splitlines()[0] == "connecting to the database"
    (seen,) = closed(batches)
    assert (seen.task, seen.resource, seen.expression, seen.outcomes) == (
        "main",
        "__main__.AsyncDatabaseConnection",
        "AsyncDatabaseConnection()",
        "ok ok ok",
    )
    assert about_a_second(seen.wait)
    assert about_a_second(seen.release)
    assert seen.hold is not None
    assert seen.hold < 50_000_000
    states = [row.outcomes for batch in batches for row in lifecycles_of(batch)]
    assert states == ["- - -", "ok ok -", "ok ok ok"]
    assert batches[-1].final


def test_an_exception_inside_the_block_is_the_bodys_error(tmp_path: Path) -> None:
    """The release goes well and the exception goes on."""
    done, batches = recorded("textbook_error", tmp_path)
    assert done.status == 1
    (seen,) = closed(batches)
    assert seen.outcomes == "ok error ok"
    assert seen.body_exception.startswith("ValueError: ")
    assert seen.exception == ""
    assert seen.resource == "textbook.AsyncDatabaseConnection"


@pytest.mark.parametrize("sync", [False, True])
def test_several_resources_nest(sync: bool, tmp_path: Path) -> None:
    """Two in one manager are entered within its acquire; two in one statement, the second within the first."""
    done, batches = recorded("textbook_several", tmp_path, *["--sync"] * sync)
    assert done.status == 0
    seen = {row.id: row for row in closed(batches)}
    short = {number: row.resource.split(" ")[0].rpartition(".")[2] for number, row in seen.items()}
    nested = [(short[row.id], short.get(row.parent, "")) for row in seen.values()]
    around = "TemporaryDirectory" if sync else ""
    assert nested == [
        *([(around, "")] if sync else []),
        ("Download", around),
        ("AsyncExitStack", "Download"),
        ("NetworkConnection", "AsyncExitStack"),
        ("AsyncFile", "NetworkConnection"),
        ("NetworkConnection", around),
        ("AsyncFile", "NetworkConnection"),
    ]
    assert {row.outcomes for row in seen.values()} == {"ok ok ok"}


def test_a_synchronous_manager_is_compared_by_option(tmp_path: Path) -> None:
    """With --sync the `with` of the program is measured like its `async with`; without, it is not there."""
    done, batches = recorded("textbook_sync", tmp_path, "--sync")
    assert done.status == 0
    sites = {(site.enter, site.exit) for batch in batches for site in batch.sites}
    assert sites == {("__enter__", "__exit__"), ("__aenter__", "__aexit__")}
    done, batches = recorded("textbook_sync", tmp_path)
    assert {(site.enter, site.exit) for batch in batches for site in batch.sites} == {("__aenter__", "__aexit__")}

"""`python -m benchmarks`: the table, the file of results, and what is wrong with either."""

from __future__ import annotations

import ast
import json
import os
from pathlib import Path

import pytest
from benchmarks import results, suite
from benchmarks.__main__ import main
from benchmarks.application.profile import PROGRAM, room_of
from benchmarks.figure import Figure, measure_yardstick
from benchmarks.table import table

FIGURES = [
    Figure("rewritten", 1.5, "x bare", "at most 1.6"),
    Figure("stored", 100_000.0, "lifecycles/s", ""),
    Figure("latency", 3.0, "ms", ""),
]


@pytest.fixture(autouse=True)
def _suite(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are two benchmarks, "quick" and "broken"."""
    monkeypatch.setattr(suite, "names", lambda: ["broken", "quick"])
    monkeypatch.setattr(suite, "summary", lambda _: "A summary.")
    monkeypatch.setattr(suite, "figures_of", _figures_of)


def _figures_of(name: str) -> list[Figure]:
    if name == "broken":
        raise RuntimeError("no browser")
    return FIGURES


def test_the_table_shows_each_figure_beside_the_baseline():
    """The change of a time or a rate is free of the machine's speed; what the baseline does not have is a dash."""
    now = results.result_of(FIGURES, yardstick_ns=2e6)
    before = results.Result(
        date="2026-11-30T10:00:00+00:00",
        commit="abc1234",
        python="3.11.7",
        system="Linux x86_64",
        cores=2,
        yardstick_ns=1e6,
        figures=[
            results.Measured("rewritten", 1.25, "x bare", 1.25, "at most 1.6"),
            results.Measured("stored", 200_000.0, "lifecycles/s", 200.0, ""),
        ],
    )

    lines = [" ".join(line.split()) for line in table("overhead", now, before)]

    assert lines == [
        "overhead: baseline of 2026-11-30, commit abc1234, CPython 3.11.7, 2 cores, Linux x86_64",
        "now baseline change unit bound",
        "rewritten 1.50 1.25 +20.0 % x bare at most 1.6",
        "stored 100,000.00 200,000.00 +0.0 % lifecycles/s",
        "latency 3.00 - - ms",
    ]


def test_a_run_is_written_as_json(tmp_path: Path):
    """Each benchmark has its figures, and when and where they were measured."""
    file = tmp_path / "run.json"

    assert main(["quick", "--json", str(file), "--baseline", str(tmp_path / "none.json")]) == 0

    written = json.loads(file.read_bytes())
    assert list(written) == ["format", "benchmarks"]
    result = written["benchmarks"]["quick"]
    assert list(result) == ["date", "commit", "python", "system", "cores", "yardstick_ns", "figures"]
    assert (result["cores"], result["figures"][0]) == (
        os.cpu_count(),
        {"name": "rewritten", "value": 1.5, "unit": "x bare", "ratio": 1.5, "bound": "at most 1.6"},
    )
    assert result["figures"][2]["ratio"] == pytest.approx(3e6 / result["yardstick_ns"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.json"]


def test_the_baseline_is_written_only_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """--save stores this run's figures and keeps those of other benchmarks; the next run shows them."""
    file = tmp_path / "baseline.json"
    results.write(file, {"other": results.result_of(FIGURES, 1e6)})
    before = file.read_bytes()
    assert main(["quick", "--baseline", str(file)]) == 0
    assert file.read_bytes() == before
    assert "quick: no baseline stored" in capsys.readouterr().out

    assert main(["quick", "--baseline", str(file), "--save"]) == 0

    assert sorted(results.read(file)) == ["other", "quick"]
    capsys.readouterr()
    main(["quick", "--baseline", str(file)])
    assert "quick: baseline of " in capsys.readouterr().out


def test_an_unknown_name_is_refused_with_the_names(capsys: pytest.CaptureFixture[str]):
    """Nothing runs."""
    with pytest.raises(SystemExit) as refusal:
        main(["quick", "quack"])

    assert refusal.value.code == 2
    assert "error: unknown benchmark: quack (known: broken, quick)" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_is_refused_before_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A run takes minutes, so that its figures are not lost at its end."""
    for path, reason in ((tmp_path / "none" / "run.json", "does not exist"), (tmp_path, "it is a folder")):
        with pytest.raises(SystemExit):
            main(["quick", "--json", str(path)])
        assert reason in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no baseline stored: {} does not exist (--save writes it)"),
        (b"", "no baseline read: {} is not a file of results: Input data was truncated (--save replaces it)"),
        (b"\xff\xfe", "no baseline read: {} is not a file of results: "),
        (b"[1]", "no baseline read: {} is not a file of results: Expected `object`, got `array`"),
        (
            b'{"format": 1, "benchmarks": {"quick": {}}}',
            "no baseline read: {} is not a file of results: Object missing",
        ),
        (b'{"format": 9, "benchmarks": {}}', "no baseline read: {} has format 9, expected 1"),
    ],
)
def test_a_baseline_that_cannot_be_read_costs_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, reason: str
):
    """The benchmarks run, without a comparison; --save replaces the file."""
    file = tmp_path / "baseline.json"
    if content is not None:
        file.write_bytes(content)

    assert main(["quick", "--baseline", str(file), "--save"]) == 0

    captured = capsys.readouterr()
    assert captured.out.splitlines()[1].startswith(reason.format(file))
    assert captured.err == ""
    assert "quick: no baseline stored" in captured.out
    assert list(results.read(file)) == ["quick"]


def test_a_benchmark_that_fails_leaves_the_others_their_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The status is 1, the traceback is printed, and the other benchmark's figures are written."""
    file = tmp_path / "run.json"

    assert main(["--json", str(file), "--baseline", str(tmp_path / "none.json")]) == 1

    assert list(results.read(file)) == ["quick"]
    assert capsys.readouterr().err.endswith("RuntimeError: no browser\nbroken failed\n")


def test_two_figures_of_one_name_are_refused():
    """A figure is found in the baseline by its name."""
    with pytest.raises(ValueError, match="two figures have one name: rewritten"):
        results.result_of([FIGURES[0], FIGURES[0]], 1e6)


def test_the_yardstick_takes_time():
    """It is some milliseconds of Python."""
    assert 1e5 < measure_yardstick() < 1e9


def test_each_benchmark_has_figures_and_a_summary(monkeypatch: pytest.MonkeyPatch):
    """`--help` has one line for each, and each can be run."""
    monkeypatch.undo()
    names = suite.names()
    assert {"overhead", "import", "ingest", "export", "paint", "metrics"} <= set(names)
    for name in names:
        tree = ast.parse((Path(results.__file__).parent / f"bench_{name}.py").read_text(encoding="utf-8"))
        assert any(isinstance(node, ast.FunctionDef) and node.name == "figures" for node in tree.body), name
        assert suite.summary(name).endswith("."), name


@pytest.mark.parametrize(
    ("stack", "room"),
    [
        ("main (tenure/cli/main_program.py:3);run (asyncio/runners.py:3);app (fastapi/routing.py:4)", PROGRAM),
        ("run (tenure/_sinks/shipper.py:31);wait (threading.py:3)", "_sinks"),
        ("app (fastapi/routing.py:4);call (tenure/adapters/_kit/asgi.py:4)", "adapters"),
        ("install (tenure/session.py:3)", "tenure"),
        ("main (tenure/cli/main_program.py:3);select (selectors.py:4)", PROGRAM),
        ("main (service.py:3)", PROGRAM),
        ("", PROGRAM),
    ],
)
def test_a_sample_belongs_to_the_innermost_room(stack: str, room: str):
    """Python's own functions belong to whoever calls them; the command only runs the program."""
    assert room_of(stack) == room

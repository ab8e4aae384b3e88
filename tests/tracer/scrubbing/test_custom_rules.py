"""The user's own patterns and callbacks: $TENURE_SCRUB and tenure.install(scrub=...)."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.tracer.support.small_programs import MANAGERS

from tenure import testing
from tenure._core import faults, process_scrubber
from tenure.errors import UsageError
from tenure.scrubbing import HIDDEN, BadPattern, Scrubber, from_variable

PROGRAM = """
import asyncio, sys, threading, tenure
class Manager:
    async def __aenter__(self): pass
    async def __aexit__(self, *details): pass
async def main():
    async with tenure.track(Manager(), name="ACME-123"):
        pass
    async with tenure.track(Manager(), name="plain"):
        pass
"""


@pytest.fixture
def configured(monkeypatch):
    """Set patterns as ``install`` does; afterwards there are none."""
    monkeypatch.delenv(process_scrubber.VARIABLE, raising=False)
    yield process_scrubber.configure
    monkeypatch.delenv(process_scrubber.VARIABLE, raising=False)
    process_scrubber.configure(None)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("ACME-\\d+", "order *** of Ann, password=***"),
        (re.compile("acme-\\d+", re.IGNORECASE), "order *** of Ann, password=***"),
        (["order (\\S+) of (\\w+)"], "order *** of ***, password=***"),
        (["(A(n)n)", "nothing"], "order ACME-1 of ***, password=***"),
        (str.upper, "ORDER ACME-1 OF ANN, PASSWORD=***"),
        (["Ann", str.upper, lambda text: text[:8]], "ORDER AC"),
    ],
)
def test_own_patterns_and_callbacks_come_behind_the_rules(own: object, expected: str) -> None:
    """What a pattern or its groups match is hidden; a callback gets what is scrubbed, and has the last word."""
    assert Scrubber(own).text("order ACME-1 of Ann, password=x", 100) == expected


@pytest.mark.parametrize(
    ("own", "why"),
    [
        ("(", "invalid regular expression '(': missing ), unterminated subpattern at position 0"),
        ("x*", "pattern 'x*' matches the empty text"),
        ([b"x"], "pattern b'x' matches bytes"),
        ([3], "3 is neither a pattern nor a function"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_named(own: object, why: str, configured) -> None:
    """With the reason and the remedy; ``install`` says it by a UsageError before anything has begun."""
    with pytest.raises(BadPattern, match=r".+\(.+\)$") as caught:
        Scrubber(own)
    assert str(caught.value).startswith(why)
    with pytest.raises(UsageError, match=re.escape(why)):
        configured(own)


def test_the_variable_has_a_pattern_a_line_or_names_a_file(tmp_path: Path) -> None:
    """Empty lines and comments are left out, and what is wrong is told with its line."""
    file = tmp_path / "patterns"
    file.write_text("# ours\n\n  ACME-\\d+  \nx{2}\n")
    assert from_variable("") == []
    assert from_variable("ACME-\\d+\n#\nx{2}") == from_variable(f"@{file}") == ["ACME-\\d+", "x{2}"]
    with pytest.raises(BadPattern, match=r"^\$TENURE_SCRUB, line 2: invalid regular expression '\['"):
        from_variable("a\n[")
    with pytest.raises(BadPattern, match=r"cannot read .*missing \(\$TENURE_SCRUB\): No such file or directory \("):
        from_variable(f"@{tmp_path / 'missing'}")


def test_every_kind_of_text_passes_the_own_patterns(configured) -> None:
    """Names of resources, tasks, the process, functions, files; expressions and messages."""
    configured("(?i)acme")
    with testing.recorder() as recorder:
        app = recorder.load(
            MANAGERS
            + """
import tenure
class Acme(Manager): pass
async def acme(acme):
    async with tenure.track(acme, name="of acme"):
        raise ValueError("acme failed")
async def main():
    await asyncio.gather(asyncio.create_task(acme(Acme()), name="for acme"), return_exceptions=True)
""",
            "acme",
        )
        asyncio.run(app.main())
        (batch,) = recorder.batches()
    assert "acme" not in repr(batch).lower()
    assert [(entry.kind, entry.name) for entry in batch.resources] == [("***.***", "of ***")]
    assert {entry.name for entry in batch.tasks} >= {"for ***"}
    assert batch.exceptions[0].message == "*** failed"


@pytest.mark.parametrize("fault", [ValueError("no"), SystemExit(3), KeyboardInterrupt()])
def test_a_callback_that_raises_hides_the_text_and_counts_once(fault: BaseException, configured, caplog) -> None:
    """The text is not shown, the program does not notice, and the fault is logged and counted a single time."""

    def callback(text: str) -> str:
        raise fault

    configured(callback)
    before = faults.dropped.get("fault", 0)
    assert [process_scrubber.text(text) for text in ("one", "two", "one")] == [HIDDEN] * 3
    assert faults.dropped.pop("fault") - before == 1


def test_a_callback_that_returns_no_text_hides_the_text(configured) -> None:
    """Be it None or bytes."""
    answers = iter([None, b"x"])
    configured(lambda _: next(answers))
    assert [process_scrubber.text(text) for text in ("one", "two")] == [HIDDEN] * 2
    faults.dropped.pop("fault")


def _recorded(tmp_path: Path, program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "program.py").write_text(program)
    return subprocess.run(
        [sys.executable, "-m", "tenure", "run", "-o", "recording.json", "program.py"],
        check=False, cwd=tmp_path, capture_output=True, text=True, timeout=60,
        env={"PATH": "/usr/bin:/bin", **environment},
    )  # fmt: skip


def test_tenure_run_takes_patterns_from_the_environment(tmp_path: Path) -> None:
    """They hide in the recording what they match and nothing else."""
    done = _recorded(tmp_path, PROGRAM + "asyncio.run(main())\n", TENURE_SCRUB="ACME-\\d+")
    assert (done.returncode, done.stderr) == (0, "")
    recording = json.loads((tmp_path / "recording.json").read_text())
    names = {resource[2] for batch in recording["batches"] for resource in batch["resources"]}
    assert names == {"***", "plain"}
    assert "ACME" not in (tmp_path / "recording.json").read_text()


def test_tenure_run_with_a_bad_pattern_runs_nothing(tmp_path: Path) -> None:
    """Exit code 2 and one line that names the pattern; the program does not begin, no recording is written."""
    done = _recorded(tmp_path, "open('ran', 'w')\n", TENURE_SCRUB="ok\n(")
    assert done.returncode == 2
    assert re.fullmatch(r"tenure: \$TENURE_SCRUB, line 2: invalid regular expression '\(': .+ \(.+\)\n", done.stderr)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["program.py"]


def test_a_callback_runs_on_the_shipping_thread_alone(tmp_path: Path) -> None:
    """Also at the last flush, which the program's end waits for; what it returns is what is written."""
    program = f"""{PROGRAM}
threads = set()
def callback(text):
    threads.add(threading.current_thread().name)
    return text.replace("ACME", "***")
from pathlib import Path
from tenure import session
from tenure._core import process_scrubber
from tenure._sinks.recording_sink import RecordingSink
from tenure._rewriting.module_filter import ModuleFilter
process_scrubber.configure(callback)
session.start("x", [RecordingSink(Path("recording.json"))], ModuleFilter([Path.cwd()]))
asyncio.run(main())
session.flush()
asyncio.run(main())
tenure.uninstall()
print(sorted(threads))
"""
    (tmp_path / "program.py").write_text(program)
    done = subprocess.run(
        [sys.executable, "program.py"], check=True, cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("['tenure-shipping']\n", "")
    recording = json.loads((tmp_path / "recording.json").read_text())
    assert recording["batches"][-1]["final"] is True
    assert sum(len(batch["rows"]) for batch in recording["batches"]) >= 4
    assert "ACME" not in (tmp_path / "recording.json").read_text()


def test_a_callback_that_hangs_does_not_hold_up_the_programs_end() -> None:
    """The last flush is given up after its time; the program goes on to its end."""
    program = (
        f"{PROGRAM}\nevent = threading.Event()\n"
        "tenure.install(collector='http://127.0.0.1:9', scrub=lambda text: event.wait() and text)\n"
        "asyncio.run(main())\nprint('ended')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == "ended\n"


@pytest.mark.parametrize("url", ["http://me:hunter2@127.0.0.1:9", "ftp://me:hunter2@host"])
def test_lines_on_stderr_have_no_credentials(url: str, tmp_path: Path) -> None:
    """A collector's URL that has a password in it, refused or not reached, is told without."""
    (tmp_path / "program.py").write_text(PROGRAM + "asyncio.run(main())\n")
    done = subprocess.run(
        [sys.executable, "-m", "tenure", "run", "--collector", url, "program.py"],
        check=False, cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert "tenure: " in done.stderr
    assert "***@" in done.stderr
    assert "hunter2" not in done.stderr

"""Reports of long work."""

from __future__ import annotations

import pytest

from tenure_server.offline import progress


def test_only_long_work_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while, then at intervals, and not at its end."""
    now_s = 0.0
    monkeypatch.setattr(progress.time, "monotonic", lambda: now_s)
    said: list[str] = []
    report = progress.Progress(said.append, "drawing x", "subjects")
    for done in range(1, 21):
        now_s = float(done)
        report(done, 20)
    assert said == [f"drawing x: {done} of 20 subjects" for done in (8, 13, 18)]
    now_s = 60.0
    report(20, 20)
    assert len(said) == 3

"""How the settings of a collector are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tenure_server.errors import UsageError
from tenure_server.settings import default_store, parse_duration, parse_size, parse_store


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("1.5m", 90), ("12h", 43_200), ("7d", 604_800), (" 2 w ", 1_209_600)]
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    """From seconds to weeks."""
    assert parse_duration(text) == seconds * 1_000_000_000


@pytest.mark.parametrize("text", ["", "7", "d", "-7d", "0d", "7y", "1e3d", "7d 3h", "7d\n3", "\u0667d", "9999999999d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """With what it was and how to write one."""
    with pytest.raises(UsageError, match="invalid duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("2GB", 2 * 10**9), ("500mb", 5 * 10**8), ("1.5GiB", 3 * 2**29), ("1000000", 10**6), ("1 TB", 10**12)],
)
def test_a_size_is_a_number_and_a_unit(text: str, size: int) -> None:
    """Decimal units as people write them, binary ones where the i is written."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-2GB", "2 gigs", "2IB", "1e9", "nan"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """With what it was and how to write one."""
    with pytest.raises(UsageError, match="invalid size"):
        parse_size(text)


def test_a_size_in_which_no_store_can_live_is_refused() -> None:
    """Zero is no way to say "without limit"."""
    with pytest.raises(UsageError, match="size '10kB' is too small for a store"):
        parse_size("10kB")


def test_a_store_is_a_url() -> None:
    """Three slashes and a relative path, or four and an absolute one."""
    assert parse_store("sqlite:///traces.sqlite") == Path("traces.sqlite")
    assert parse_store("sqlite:///data/t.db") == Path("data/t.db")
    assert parse_store("sqlite:////var/lib/t.db") == Path("/var/lib/t.db")


@pytest.mark.parametrize(
    "url", ["", "traces.sqlite", "sqlite:", "sqlite://", "sqlite:///", "sqlite://host/x", "pg:///x"]
)
def test_what_names_no_store_is_refused(url: str) -> None:
    """With how to write one."""
    with pytest.raises(UsageError, match="invalid store URL"):
        parse_store(url)


def test_the_default_store_is_in_the_users_state_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the XDG Base Directory Specification, a relative XDG_STATE_HOME is ignored; the directory is made."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert default_store() == tmp_path / "state" / "tenure" / "tenure.sqlite"
    assert (tmp_path / "state" / "tenure").is_dir()
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert default_store() == tmp_path / ".local" / "state" / "tenure" / "tenure.sqlite"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(UsageError, match="cannot create the store's directory"):
        default_store()

"""A damaged file of the bytecode cache is replaced silently, whatever the damage."""

import marshal
import random
import subprocess
from pathlib import Path

import pytest
from tests.tracer.support import programs
from tests.tracer.support.hooked_imports import SOURCE

from tenure._core import faults
from tenure._rewriting.loaders import RewritingLoader


class Cached:
    """A module with its cache file, written once."""

    def __init__(self, directory: Path) -> None:
        programs.write(directory, mine=SOURCE)
        self.loader = RewritingLoader("mine", str(directory / "mine.py"))
        self.code = self.loader.get_code("mine")
        self.file = Path(str(self.loader.cache_path(self.loader.path)))
        self.data = self.file.read_bytes()

    def is_mended(self, damaged: bytes) -> bool:
        """Whether the code is right all the same, and the file whole again."""
        self.file.write_bytes(damaged)
        return self.loader.get_code("mine") == self.code and self.file.read_bytes() == self.data


@pytest.fixture
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cached:
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    return Cached(tmp_path)


def test_a_flipped_bit_anywhere_is_noticed(cached: Cached) -> None:
    """Every third byte of the file in turn, by a bit of its own."""
    bits = random.Random(1)
    for place in range(0, len(cached.data), 3):
        damaged = bytearray(cached.data)
        damaged[place] ^= 1 << bits.randrange(8)
        assert cached.is_mended(bytes(damaged)), place


def test_a_file_that_is_cut_or_longer_is_noticed(cached: Cached) -> None:
    """At every third length, the empty file's included, and with something behind its end."""
    for length in range(0, len(cached.data), 3):
        assert cached.is_mended(cached.data[:length]), length
    assert cached.is_mended(cached.data + b"\0")


def test_another_programs_file_is_not_run(cached: Cached) -> None:
    """Bytecode without our digest, and bytes of any sort."""
    foreign = cached.data[:16] + marshal.dumps(compile("raise SystemExit", "mine.py", "exec"))
    assert cached.is_mended(foreign)
    assert cached.is_mended(random.Random(1).randbytes(4_000))


def test_a_cache_that_cannot_be_read_or_written_costs_only_the_cache(cached: Cached, tmp_path: Path) -> None:
    """A directory in the file's place, and a file in the directory's."""
    before = dict(faults.dropped)
    cached.file.unlink()
    cached.file.mkdir()
    assert cached.loader.get_code("mine") == cached.code
    subprocess.run(["rm", "-r", tmp_path / "__pycache__"], check=True)
    (tmp_path / "__pycache__").write_text("")
    assert cached.loader.get_code("mine") == cached.code
    assert faults.dropped == before


def test_a_fault_of_the_cache_itself_costs_only_the_cache(cached: Cached, monkeypatch: pytest.MonkeyPatch) -> None:
    """The module is compiled as it is, and the fault is counted."""

    def broken(*_: object) -> bytes:
        raise RuntimeError

    monkeypatch.setattr("tenure._rewriting.loaders._head", broken)
    before = faults.dropped.get("fault", 0)
    code = cached.loader.get_code("mine")
    assert code == compile(Path(cached.loader.path).read_bytes(), cached.loader.path, "exec", dont_inherit=True)
    assert faults.dropped["fault"] == before + 1

"""aiofiles: files and temporary files."""

import aiofiles
import aiofiles.tempfile
import pytest


async def read(path):
    async with aiofiles.open(path) as file:
        return await file.read()


async def write_temporary():
    async with (
        aiofiles.tempfile.TemporaryDirectory() as folder,
        aiofiles.tempfile.NamedTemporaryFile(dir=folder) as file,
    ):
        await file.write(b"order")


@pytest.mark.parametrize("kind", [str, lambda path: path, lambda path: str(path).encode()])
def test_a_file_is_known_by_its_name(recorder, written, tmp_path, kind):
    """The folder says nothing to a reader, and belongs to nobody but the machine."""
    (tmp_path / "orders.txt").write_text("17")
    assert recorder.run(written(read)(kind(tmp_path / "orders.txt"))) == ["read: aiofiles.open orders.txt, ok ok ok"]


def test_a_file_that_is_missing_is_an_acquire_that_failed(recorder, written, tmp_path):
    """The program gets its FileNotFoundError."""

    async def main():
        with pytest.raises(FileNotFoundError):
            await written(read)(tmp_path / "missing.txt")

    assert recorder.run(main()) == ["main: aiofiles.open missing.txt, error(FileNotFoundError)"]


def test_temporary_files_have_no_names(recorder, written):
    """Their names are made up and used once."""
    assert recorder.run(written(write_temporary)()) == [
        "write_temporary: aiofiles.tempfile.temporary_directory, ok ok ok",
        "write_temporary: aiofiles.tempfile.temporary_file, ok ok ok",
    ]

"""Tenure's files and sockets in a program that may close any of them and reuse their numbers."""

import os
import resource
import socket
from pathlib import Path

import pytest
from tests.tracer.support import programs
from tests.tracer.support.fake_collectors import batch, serving

from tenure._core import file_descriptors
from tenure._sinks.http_client import Answer, Endpoint
from tenure._sinks.recording_sink import RecordingSink


def close_and_take(number: int, path: Path) -> int:
    """Close what is open under this number, and open a file of the program's under it."""
    os.close(number)
    file = os.open(path, os.O_RDWR | os.O_CREAT)
    if file != number:
        os.dup2(file, number)
        os.close(file)
    os.write(number, b"the program's own")
    return number


def test_a_recording_that_the_program_closed_goes_on_and_leaves_the_programs_file_alone(tmp_path: Path) -> None:
    """It is opened again by its path; what has its number by now is neither written to nor closed."""
    recording = RecordingSink(tmp_path / "recording.json")
    recording.send(batch(1))
    number = close_and_take(recording._file, tmp_path / "own")
    recording.send(batch(2))
    recording.close(0)
    assert [batch.sequence for batch in programs.recorded(tmp_path / "recording.json")] == [1, 2]
    assert os.pread(number, 100, 0) == b"the program's own"
    os.close(number)


def test_a_recording_that_was_closed_and_replaced_is_given_up(tmp_path: Path) -> None:
    """The error names the file; what stands under its name now is not touched, nor is the number closed."""
    path = tmp_path / "recording.json"
    recording = RecordingSink(path)
    number = close_and_take(recording._file, tmp_path / "own")
    path.unlink()
    path.write_text("another's")
    with pytest.raises(OSError, match=r"another file has taken its place: '.*recording.json'"):
        recording.send(batch(1))
    recording.close(0)
    assert (path.read_text(), os.pread(number, 100, 0)) == ("another's", b"the program's own")
    os.close(number)


def test_a_recording_for_which_there_is_no_room_stays_whole(tmp_path: Path) -> None:
    """It ends with the last batch that fitted in, as a document; and goes on where there is room again."""
    path = tmp_path / "recording.json"
    recording = RecordingSink(path)
    recording.send(batch(1))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 100, limits[1]))
    try:
        with pytest.raises(OSError, match=r"File too large: '.*recording.json'"):
            recording.send(batch(2, rows=100))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert programs.recorded(path) == [batch(1)]
    recording.send(batch(3))
    recording.close(0)
    assert programs.recorded(path) == [batch(1), batch(3)]


def test_a_connection_that_the_program_closed_is_opened_anew(tmp_path: Path) -> None:
    """What has the socket's number by now is neither written to, shut down, nor closed."""
    with serving((503, {}, b"{}")) as server:
        endpoint = Endpoint(server.url)
        assert endpoint.post(b"") == Answer(503, "", None)
        assert endpoint._connection is not None
        number = close_and_take(endpoint._connection.sock.fileno(), tmp_path / "own")
        endpoint.interrupt()
        assert endpoint.post(b"") == Answer(503, "", None)
        assert server.connections == 2
        endpoint.disconnect()
    assert os.pread(number, 100, 0) == b"the program's own"
    os.close(number)


def test_a_request_that_ends_while_it_is_broken_off_is_no_fault() -> None:
    """The connection's own thread may have closed it, or may do so between the look and the call."""

    class ClosedLifecycle:
        looks = 0

        @property
        def sock(self) -> socket.socket | None:
            self.looks += 1
            return ours if self.looks == 1 else None

    with socket.socket() as ours:
        endpoint = Endpoint("http://127.0.0.1:1")
        endpoint.interrupt()
        endpoint._connection = ClosedLifecycle()
        endpoint._socket_identity = file_descriptors.identity(ours.fileno())
        endpoint.interrupt()


def test_ours_take_no_number_of_a_standard_stream(tmp_path: Path) -> None:
    """The same open file comes under another number, and the one below three is free again."""
    programs.write(
        tmp_path,
        app="""
        import os
        from tenure._core import file_descriptors as descriptors
        os.close(0)
        file = os.open("app.py", os.O_RDONLY)
        known = descriptors.identity(file)
        moved = descriptors.beyond_standard(file)
        free = os.open("app.py", os.O_RDONLY)
        print(file, moved > 2, descriptors.is_still(moved, known), os.get_inheritable(moved), free)
        """,
    )
    assert programs.python(tmp_path, "app.py") == (0, "0 True True False 0\n", "")


def test_a_number_under_which_nothing_is_open_is_nothing_of_ours(tmp_path: Path) -> None:
    """No error, whatever was closed."""
    file = os.open(tmp_path, os.O_RDONLY)
    known = file_descriptors.identity(file)
    assert file_descriptors.is_still(file, known)
    os.close(file)
    assert not file_descriptors.is_still(file, known)

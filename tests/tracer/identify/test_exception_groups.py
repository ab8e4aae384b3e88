"""What an exception group says as it is shipped, and which part of a long message stays."""

import asyncio

import pytest

from tenure import testing
from tenure._identify.exceptions import failure_of


class Loud(Exception):
    """Its own text is the program's code."""

    def __str__(self):
        raise AssertionError("called")


class Renamed(ExceptionGroup):
    """Reading it by its own attributes would run the program's code."""

    @property
    def exceptions(self):
        raise AssertionError("called")


GROUP = ExceptionGroup("many", [ValueError("bad"), KeyError("a"), KeyError("b")])


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (GROUP, "many (3 sub-exceptions): ValueError: bad, 2 KeyError"),
        (ExceptionGroup("one", [OSError(2, "No")]), "one (1 sub-exception): FileNotFoundError: [Errno 2] No"),
        (
            ExceptionGroup("outer", [TypeError(), GROUP]),
            "outer (2 sub-exceptions): TypeError, ExceptionGroup (ValueError: bad, 2 KeyError)",
        ),
        (ExceptionGroup("twice", [GROUP, GROUP]).split(TypeError)[1], None),
        (ExceptionGroup("quiet", [Loud(), Loud()]), "quiet (2 sub-exceptions): 2 Loud"),
        (Renamed("own", [ValueError("x")]), "own (1 sub-exception): ValueError: x"),
        (BaseExceptionGroup("end", [KeyboardInterrupt()]), "end (1 sub-exception): KeyboardInterrupt"),
        (ValueError("plain"), "plain"),
    ],
)
def test_a_group_says_what_is_in_it(error, message):
    """Equal types once with their number, groups in groups too; no code of the program's runs."""
    twice = "twice (2 sub-exceptions): 2 ExceptionGroup (ValueError: bad, 2 KeyError)"
    assert failure_of(error).message == (message or twice)


def test_what_is_said_of_a_group_is_bounded():
    """Kinds, depth and length."""
    many = ExceptionGroup("many", [type(f"E{n}", (Exception,), {})("x" * 500) for n in range(100)])
    deep = ValueError("at the bottom")
    for _ in range(10):
        deep = ExceptionGroup("deep", [deep])
    assert failure_of(many).message.startswith(f"many (100 sub-exceptions): E0: {'x' * 79}…, E1: ")
    assert len(failure_of(many).message) < 350
    assert failure_of(deep).message == "deep (1 sub-exception): ExceptionGroup (ExceptionGroup (ExceptionGroup (1)))"
    wide = ExceptionGroup("wide", [OSError(f"{n}") for n in range(5_000)])
    assert failure_of(wide).message == "wide (5000 sub-exceptions): 1000 OSError and 4000 more"


def test_a_long_message_keeps_its_start_and_its_end():
    """The interpreter's own messages begin with a repr of any length, and end with their point."""

    async def main():
        async with asyncio.Lock():
            raise RuntimeError(f"<{'x' * 2_000}> is bound to a different event loop")

    with testing.recorder() as recorder:
        with pytest.raises(RuntimeError):
            asyncio.run(main())
        (lifecycle,) = recorder.lifecycles()
    message = lifecycle.body_exception
    assert message.startswith("RuntimeError: <xxx")
    assert message.endswith("xxx> is bound to a different event loop")
    assert len(message) == len("RuntimeError: ") + 500

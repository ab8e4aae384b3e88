"""What an exception group says as it is shipped, and which part of a long message stays."""

import asyncio

import pytest

from tenure import testing
from tenure._identify.exceptions import MAX_MESSAGE, failure_of


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
    """Kinds, depth and number; the length, when it is shipped."""
    many = ExceptionGroup("many", [type(f"E{n}", (Exception,), {})("x") for n in range(100)])
    deep = ValueError("at the bottom")
    for _ in range(10):
        deep = ExceptionGroup("deep", [deep])
    wide = ExceptionGroup("wide", [OSError(f"{n}") for n in range(5_000)])
    long = ExceptionGroup("long", [ValueError("x" * 50_000), KeyError("y")])
    named = ", ".join(f"E{n}: x" for n in range(6))
    assert failure_of(many).message == f"many (100 sub-exceptions): {named} and 94 more"
    assert failure_of(deep).message == "deep (1 sub-exception): ExceptionGroup (ExceptionGroup (ExceptionGroup (1)))"
    assert failure_of(wide).message == "wide (5000 sub-exceptions): 1000 OSError and 4000 more"
    assert len(failure_of(long).message) == MAX_MESSAGE


def test_what_is_in_a_group_is_scrubbed_before_it_is_cut():
    """A cut in front of the @ would show the password."""

    async def main():
        async with asyncio.Lock():
            raise ExceptionGroup("g", [ValueError(f"{'x' * 220} https://user:hunter2@{'y' * 400}/")])

    with testing.recorder() as recorder:
        with pytest.raises(ExceptionGroup):
            asyncio.run(main())
        (lifecycle,) = recorder.lifecycles()
    assert "hunter2" not in lifecycle.body_exception
    assert "…" in lifecycle.body_exception


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

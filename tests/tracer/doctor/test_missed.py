"""``tenure doctor PROGRAM``: what was recorded in which way, what was missed, and what is left out by design."""

from pathlib import Path

from tests.tracer.support import programs
from tests.tracer.support.doctor_report import LIBRARY, examine, install, missed, recorded


def test_what_finds_no_room_in_the_buffer_is_missed_and_dropped(tmp_path: Path) -> None:
    """Both say how many."""
    programs.write(
        tmp_path,
        app="""
            import asyncio
            from tenure._core import buffer
            from helper import Manager, use

            buffer.set_limit(0)
            asyncio.run(use(Manager()))
        """,
        helper=LIBRARY,
    )
    _, report = examine(tmp_path, "app.py")
    assert missed(report) == ["1 helper.Manager at helper.py:7 in use: the buffer was full"]
    assert report["dropped"] == {"buffer full": 1}


def test_a_manager_entered_by_hand_is_missed(tmp_path: Path) -> None:
    """Where no adapter knows its class; a lock's is known."""
    programs.write(
        tmp_path,
        app="""
            import asyncio
            from helper import Manager

            async def main():
                for manager in (Manager(), asyncio.Lock()):
                    await manager.__aenter__()
                    await manager.__aexit__(None, None, None)

            asyncio.run(main())
        """,
        helper=LIBRARY,
    )
    _, report = examine(tmp_path, "app.py")
    assert recorded(report) == {"asyncio.locks.Lock": {"adapter": 1}}
    assert missed(report) == [
        (
            "1 helper.Manager at app.py:7 in main: "
            "entered by a call, not by a statement, and no adapter knows the class (use tenure.track)"
        )
    ]


def test_tracked_objects_are_told_apart_from_others_of_their_class(tmp_path: Path) -> None:
    """One object was given to tenure.track, another was not; a third class is decorated."""
    environment = install(tmp_path, helper=LIBRARY)
    programs.write(
        tmp_path,
        app="""
            import asyncio
            import tenure
            from helper import Manager, use

            @tenure.tracked
            class Tracked(Manager):
                pass

            async def main():
                await use(tenure.track(Manager(), "named"))
                await use(Manager())
                await use(Tracked())

            asyncio.run(main())
        """,
    )
    _, report = examine(tmp_path, "app.py", **environment)
    assert recorded(report) == {"__main__.Tracked": {"tracked": 1}, "helper.Manager": {"tracked": 1}}
    assert missed(report) == [
        (
            "1 helper.Manager at helper.py:7 in use: "
            "tenure.track is used for other objects of its class (decorate the class with tenure.tracked)"
        )
    ]


def test_subclasses_aliases_and_exit_stacks_are_counted_once_each(tmp_path: Path) -> None:
    """``super().__aenter__()``, an ``__aenter__`` of another name, and a manager behind a stack or a wrapper."""
    environment = install(
        tmp_path,
        helper=LIBRARY
        + """
    from contextlib import AsyncExitStack

    class Sub(Manager):
        async def __aenter__(self): return await super().__aenter__()

    class Alias(Manager):
        async def open(self): return self
        __aenter__ = open

    class Wrapper(Manager):
        async def __aenter__(self): return await Sub().__aenter__()

    async def stack(manager):
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(manager)
""",
    )
    programs.write(
        tmp_path,
        app="""
            import asyncio
            from helper import Alias, Sub, Wrapper, stack, use

            async def main():
                await use(Sub())
                await use(Alias())
                await Alias().open()
                await stack(Sub())
                async with Wrapper():
                    pass

            asyncio.run(main())
        """,
    )
    _, report = examine(tmp_path, "app.py", **environment)
    reason = "the installed helper is not rewritten, and no adapter knows the class (use --include helper)"
    assert recorded(report) == {"helper.Sub": {"adapter": 1}, "helper.Wrapper": {"rewritten": 1}}
    assert missed(report) == [
        "1 contextlib.AsyncExitStack at helper.py:23 in stack: " + reason,
        "1 helper.Alias at helper.py:7 in use: " + reason,
        "1 helper.Sub at helper.py:7 in use: " + reason,
    ]
    assert missed(report, "left_out") == [
        (
            "1 helper.Sub at helper.py:20 in Wrapper.__aenter__: "
            "it is entered within the __aenter__ of helper.Wrapper, which is recorded"
        )
    ]


def test_what_asyncio_does_within_itself_is_left_out_by_design(tmp_path: Path) -> None:
    """A barrier's condition is nothing that the program holds, and a timeout without an end holds nothing."""
    environment = install(
        tmp_path,
        helper="""
            import asyncio
            async def use():
                async with asyncio.timeout(None):
                    pass
        """,
    )
    programs.write(
        tmp_path,
        app="""
            import asyncio
            from helper import use

            async def main():
                async with asyncio.Barrier(1):
                    pass
                await use()

            asyncio.run(main())
        """,
    )
    _, report = examine(tmp_path, "app.py", **environment)
    assert recorded(report) == {"asyncio.locks.Barrier": {"rewritten": 1}}
    assert missed(report) == []
    assert [(entry["type"], entry["reason"]) for entry in report["left_out"]] == [
        ("asyncio.locks.Condition", "asyncio uses it internally"),
        ("asyncio.timeouts.Timeout", "its adapter leaves it out"),
    ]


def test_a_fault_of_ours_is_named_with_the_class_that_it_stopped(tmp_path: Path) -> None:
    """An adapter that meets what it did not expect: what it left unrecorded is missed, with that reason."""
    programs.write(
        tmp_path,
        app="""
            import asyncio
            from tenure._identify import resources
            from helper import Manager, use

            def describe(manager, expression):
                raise LookupError("unexpected")

            resources.register(Manager, describe)
            asyncio.run(use(Manager()))
        """,
        helper=LIBRARY,
    )
    _, report = examine(tmp_path, "app.py")
    assert report["faults"] == [
        {"where": "finding the resource of a Manager", "error": "LookupError: unexpected"},
    ]
    assert missed(report) == [
        "1 helper.Manager at helper.py:7 in use: a fault in Tenure stopped the recording of its class"
    ]
    assert report["dropped"] == {"fault": 1}

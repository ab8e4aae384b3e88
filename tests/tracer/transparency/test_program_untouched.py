"""While the program runs, only Python itself calls the program's methods."""

import asyncio
import builtins
from pathlib import Path

import pytest
from tests.tracer.support import programs
from tests.tracer.support.small_programs import MANAGERS

from tenure import testing
from tenure._core import object_access
from tenure._identify import exception_messages
from tenure._identify.exceptions import failure_of

HOSTILE = """
import asyncio, contextlib, sys

def noting(base, *names):
    def note(name):
        theirs = getattr(base, name)
        def method(self, *arguments):
            print("called", base.__name__, name, *[argument for argument in arguments if type(argument) is str])
            return theirs(self, *arguments)
        return method
    return {name: note(name) for name in names}

LOOKS = "__getattribute__", "__hash__", "__eq__", "__repr__", "__str__"
Meta = type("Meta", (type,), noting(type, *LOOKS, "__instancecheck__", "__subclasscheck__", "__setattr__"))
Text = type("Text", (str,), noting(str, *LOOKS, "__format__", "__getitem__", "__len__"))
Own = type("Own", (), noting(object, *LOOKS))

class Answer:
    asked = 0
    def __bool__(self):
        Answer.asked += 1
        return True

class Manager(Own, metaclass=Meta):
    __qualname__ = Text("Manager")
    __module__ = property(lambda self: print("module"))
    suppress = None
    async def __aenter__(self): return self
    async def __aexit__(self, *details): return self.suppress
    def __enter__(self): return self
    def __exit__(self, *details): return self.suppress

class Suppresses(Manager):
    suppress = Answer()

# Until 3.11 the interpreter asks an exception's metaclass for a subclass at each handler that it comes to, ours too.
ErrorMeta = type("ErrorMeta", (type,), noting(type, *LOOKS, "__instancecheck__", "__setattr__"))
Failure = ErrorMeta("Failure", (Exception,), noting(Exception, *LOOKS, "__setattr__") | {"__module__": 5})
Argument = type("Argument", (), noting(object, *LOOKS))
Lock = type("Lock", (asyncio.Lock,), noting(asyncio.Lock, *LOOKS))
Semaphore = type("Semaphore", (asyncio.Semaphore,), noting(asyncio.Semaphore, *LOOKS) |
                 {"_bound_value": property(lambda self: print("bound value"))})

@contextlib.asynccontextmanager
async def borrowed(manager):
    yield manager

def use(manager):
    try:
        with manager:
            pass
    except Failure:
        pass

async def fail(manager, error):
    try:
        async with manager:
            raise error
    except Failure:
        print("failed")
    except ValueError:
        print("wrong value")

async def main():
    manager = Manager()
    for _ in range(12):
        async with manager:
            pass
        async with Manager():
            use(Manager())
    for error in (Failure(), ValueError(Argument()), ValueError("a", Argument()), ValueError(Text("x"))):
        await fail(Manager(), error)
        await fail(Lock(), error)
        await fail(borrowed(manager), error)
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(Lock())
            await stack.enter_async_context(Manager())
    await fail(Suppresses(), ValueError())
    print("asked", Answer.asked)
    lock, semaphore = Lock(), Semaphore(2)
    async with lock, semaphore:
        pass
    await lock.acquire()
    lock.release()
    task = asyncio.create_task(fail(Manager(), Failure()), name=Text("named") if sys.argv[1:] else None)
    await task
    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        group.create_task(fail(lock, Failure()))
    print("done")

asyncio.run(main())
"""


@pytest.mark.parametrize("flags", [(), ("--sync",)])
def test_hostile_classes_and_exceptions_are_not_asked(tmp_path: Path, flags: tuple[str, ...]) -> None:
    """A metaclass, a name, an exception or an attribute whose code ends the program is never called."""
    programs.write(tmp_path, hostile=HOSTILE)
    plain = programs.python(tmp_path, "hostile.py")
    assert (plain.status, plain.stderr) == (0, "")
    output = "-o", "recording.json"
    assert programs.tenure(tmp_path, "run", *output, *flags, "hostile.py") == plain
    assert any(batch.rows for batch in programs.recorded(tmp_path / "recording.json"))


TRACKED = (
    HOSTILE.replace("asyncio.run(main())", "")
    + """
import tenure
tenure.track(Manager())
tenure.tracked(Manager)
asyncio.run(main())
"""
)


def test_a_hostile_class_can_be_tracked(tmp_path: Path) -> None:
    """``track`` and ``tracked`` patch the class without asking its metaclass."""
    programs.write(tmp_path, hostile=HOSTILE, tracked=TRACKED)
    plain = programs.python(tmp_path, "hostile.py")
    assert programs.tenure(tmp_path, "run", "-o", "recording.json", "tracked.py") == plain


BUILTIN = sorted(
    (kind for kind in vars(builtins).values() if isinstance(kind, type) and issubclass(kind, BaseException)),
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", BUILTIN)
def test_the_message_of_every_builtin_exception_is_its_own(kind: type[BaseException]) -> None:
    """With plain arguments the message is what str() says; with an object among them there is none."""
    made = made_of(kind, "text")
    assert exception_messages.message_of(made) == str(made)
    assert exception_messages.message_of(made_of(kind, Loud())) == ""
    assert exception_messages.message_of(type("Own", (kind,), {})(*made.args)) == str(made)


def test_messages_that_python_makes_are_kept(tmp_path: Path) -> None:
    """What the interpreter itself raises has its whole message."""
    for attempt in (
        b"\xff".decode,
        lambda: "\xff".encode("ascii"),
        lambda: compile("1 +", "file", "exec"),
        (tmp_path / "missing").read_bytes,
        lambda: object().missing,
        lambda: __import__("missing"),
        lambda: {}["key"],
        lambda: {}[1, "key"],
        lambda: int("x"),
    ):
        with pytest.raises(Exception) as caught:  # each its own
            attempt()
        assert exception_messages.message_of(caught.value) == str(caught.value)


class Loud:
    def __str__(self) -> str:
        raise SystemExit

    __repr__ = __str__


def made_of(kind: type[BaseException], thing: object) -> BaseException:
    if issubclass(kind, BaseExceptionGroup):
        group = kind("text", [ValueError()])
        if isinstance(thing, Loud):
            return type("Silent", (kind,), {"__str__": lambda _: thing.__str__()})("text", [ValueError()])
        return group
    if issubclass(kind, UnicodeTranslateError):
        return (
            kind("object", 0, 1, thing) if isinstance(thing, str) else overridden(kind("object", 0, 1, "text"), thing)
        )
    if issubclass(kind, UnicodeError) and kind is not UnicodeError:
        text = b"object" if issubclass(kind, UnicodeDecodeError) else "object"
        made = kind("ascii", text, 0, 1, "text")
        return made if isinstance(thing, str) else overridden(made, thing)
    return kind(thing)


def overridden(error: BaseException, thing: object) -> BaseException:
    error.reason = type("Reason", (str,), {"__str__": lambda _: thing.__str__()})("text")  # type: ignore[attr-defined]
    return error


def test_attributes_are_read_where_they_lie() -> None:
    """In the dictionary or a slot, beside a hostile ``__getattribute__``; a property is the default."""

    class Slotted:
        __slots__ = ("value",)

    class Kept:
        own = 1

        def __getattribute__(self, name: str) -> object:
            raise SystemExit

        @property
        def told(self) -> object:
            raise SystemExit

    slotted, kept = Slotted(), Kept()
    slotted.value = 3
    object.__setattr__(kept, "value", 2)
    assert [object_access.attribute(kept, name, 0) for name in ("value", "own", "told", "missing")] == [2, 1, 0, 0]
    assert object_access.attribute(slotted, "value") == 3
    assert object_access.attribute(Slotted(), "value", 0) == 0


def test_values_by_identity_ask_no_hash_and_keep_nothing_alive() -> None:
    """An object without a hash has a value, which goes with it."""

    class Unhashable:
        __hash__ = None  # type: ignore[assignment]

    values: object_access.ByIdentity[int] = object_access.ByIdentity()
    thing = Unhashable()
    values.put(thing, 1)
    values.put(5, 2)
    assert values.get(thing) == 1
    assert values.get(5) is None
    assert values.things() == [thing]
    del thing
    assert not values


def test_the_type_tells_where_the_message_cannot() -> None:
    """A class with a ``__str__`` of its own is told by its name."""

    class Failure(Exception):
        def __str__(self) -> str:
            raise SystemExit

    failure = failure_of(Failure("text"))
    assert (failure.type.rpartition(".")[2], failure.message) == ("Failure", "")


def test_what_suppresses_is_told_where_no_code_must_say_so() -> None:
    """True, and objects without a truth of their own, suppress."""
    with testing.recorder() as recorder:
        app = recorder.load(
            MANAGERS
            + """
async def main():
    for value in (True, 1, object(), 0, None, []):
        try:
            async with Manager(value):
                raise ValueError
        except ValueError:
            pass
"""
        )
        asyncio.run(app.main())
        outcomes = [lifecycle.outcomes.endswith("suppressed") for lifecycle in recorder.lifecycles()]
    assert outcomes == [True, True, True, False, False, False]

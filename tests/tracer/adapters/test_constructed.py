"""A resource that its constructor opens: what a statement enters at once, what encloses what, what a program sees."""

import asyncio
import contextlib
import gc
import importlib.util
import logging
import sys
import warnings

import aiohttp
import pytest

from tenure._identify.resources import Description
from tenure._rewriting import rewriter
from tenure.adapters._kit import constructed, entered_at_once

CLIENT = f"{__name__}.Client"


class Client:
    def __init__(self, error=None):
        if error is not None:
            raise error
        warnings.warn("old", DeprecationWarning, stacklevel=2)

    async def close(self):
        pass

    async def __aenter__(self):
        return self

    async def __aexit__(self, *details):
        await self.close()


class Named(Client):
    def __init__(self, name):
        super().__init__()
        self.name = name


@pytest.fixture(autouse=True)
def patched(recorder):
    """The class as an adapter has it, which may be installed more than once."""
    for _ in range(2):
        constructed.patch(Client, ("close",), lambda client, _: Description(CLIENT, client))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        yield


def test_a_client_encloses_nothing_until_a_statement_enters_it(recorder, written):
    """Ten clients that nobody closes are ten roots, and what the task holds meanwhile is no child of them."""

    async def main():
        kept = [Client() for _ in range(10)]
        async with asyncio.Lock():
            pass
        async with kept[3], asyncio.Lock():
            inner = Client()
        await inner.close()
        return kept

    kept = asyncio.run(main())
    assert [line.replace(f"{__name__}.", "") for line in recorder.tree()] == [
        *["main: Client"] * 10,
        "main: Lock",
        "  main: Lock",
        "    main: Client inner",
    ]
    assert [line.partition(", ")[2] for line in recorder.lines()][2:5] == ["ok ?", "ok ok ok", "ok ?"]
    assert len(kept) == 10


def test_a_client_that_another_task_enters_stays_its_makers(recorder):
    """It is at the statement from then on; the other task's lifecycles have their own parent."""

    async def use(client):
        async with client, asyncio.Lock():
            pass

    async def main():
        client = Client()
        await asyncio.create_task(use(client), name="user")

    recorder.run(main())
    assert recorder.tree() == ["main: Client client", "user: Lock"]
    assert [(site.function.rpartition(".")[2], site.enter) for site in recorder.sites()] == [
        ("use", "__aenter__"),
        ("use", "__aenter__"),
    ]


def test_a_task_that_ends_with_an_open_client_keeps_its_name(recorder):
    """It is in each batch that its client changes in."""

    async def main():
        client = await asyncio.create_task(make(), name="maker")
        recorder.lines()
        recorder.lines()
        await client.close()

    assert recorder.run(main()) == [f"maker: {CLIENT} client, ok ok ok"]


async def make():
    client = Client()
    return client  # noqa: RET504  # so that it has a name


@pytest.mark.parametrize("form", ["Client()", "Named('shop')"])
def test_a_subclass_and_a_factory_are_at_the_programs_line(recorder, form):
    """The constructor of a base class is called by that of the subclass."""

    async def main():
        thing = eval(form, globals())
        await thing.close()

    assert recorder.run(main()) == [f"main: {CLIENT}, ok ok ok"]


def test_a_helper_of_a_library_that_no_adapter_knows_is_not_the_programs_line(recorder, tmp_path):
    """The program's own line is, which calls the helper; without one, the library's."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "helping.py").write_text("class Sdk:\n    def __init__(self, kind):\n        self.client = kind()\n")
    spec = importlib.util.spec_from_file_location("helping", folder / "helping.py")
    helping = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(helping)

    async def main():
        sdk = helping.Sdk(Client)
        await sdk.client.close()

    assert recorder.run(main()) == [f"main: {CLIENT} sdk, ok ok ok"]
    assert [site.file for site in recorder.sites()] == [__file__]


def test_a_constructor_that_fails_opens_nothing(recorder):
    """The program gets its error, without a frame of the wrapper."""

    async def main():
        with pytest.raises(OSError, match="no") as caught:
            Client(OSError("no"))
        return [entry.name for entry in caught.traceback]

    assert asyncio.run(main()) == ["main", "__init__"]
    assert recorder.lines() == []


def test_a_warning_of_a_constructor_is_at_the_programs_line():
    """``stacklevel`` does not count the wrapper."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        Client()
        line = sys._getframe().f_lineno - 1
    assert [(warning.filename, warning.lineno) for warning in caught] == [(__file__, line)]


@pytest.mark.parametrize("debug", [False, True])
def test_an_unclosed_session_says_what_it_says_without_us(recorder, caplog, debug):
    """The message, its context and its warning; in debug mode with the stack of the constructor."""

    def contexts():
        seen = []

        def handle(_, context):
            stack = [entry.name for entry in context.get("source_traceback", ())]
            seen.append((sorted(context), context["message"], stack))

        async def main():
            asyncio.get_running_loop().set_exception_handler(handle)
            session = aiohttp.ClientSession()
            del session
            gc.collect()

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            asyncio.run(main(), debug=debug)
        return seen, [warning.category for warning in caught]

    caplog.set_level(logging.CRITICAL, "asyncio")
    recorded = contexts()
    assert [line.rpartition(" ")[2] for line in recorder.lines()] == ["error(NeverClosed)"]
    recorder.stop()
    assert recorded == contexts()


FORMS = {
    "async with {} as x: pass": True,
    "async with {}: pass": True,
    "async with other, {} as x: pass": True,
    "async with {} as x, other: pass": True,
    "async with {} as x.y: pass": True,
    "async with wrap({}) as x: pass": False,
    "async with (await {}) as x: pass": False,
    "x = {}": False,
    "x = await stack.enter_async_context({})": False,
    "await {}": False,
    "return {}": False,
    "x = {}, 1": False,
}
CALLS = ["Client()", "Client(1, b=2)", "Client(*a)", "Client(**a)", "mod.Client(1)"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("many_locals", [False, True])
def test_what_a_statement_enters_at_once_is_known_by_the_instructions(form, call, many_locals):
    """In rewritten code and as it is; also where the local's number needs a longer instruction."""
    names = "".join(f"    v{number} = 0\n" for number in range(300)) if many_locals else ""
    source = f"async def main(a, other, stack, wrap, mod):\n{names}    {form.format(call)}\n"

    class Stop(BaseException):
        pass

    seen = []

    def stop(*_, **__):
        frame = sys._getframe(1)
        seen.append(entered_at_once.is_entered(frame.f_code, frame.f_lasti))
        raise Stop

    for code in (compile(source, "x.py", "exec"), rewriter.rewrite(source.encode(), "x.py")):
        names = {"Client": stop}
        exec(code, names)
        stop.Client = stop
        with contextlib.suppress(Stop):
            names["main"]({}, contextlib.nullcontext(), contextlib.AsyncExitStack(), lambda x: x, stop).send(None)
    is_stamped = not (rewriter._COMPILER_CRASHES and form.startswith("async with other"))  # that one is wrapped there
    assert seen == [FORMS[form], FORMS[form] and is_stamped]

"""The lifespan of an aiohttp application, however it is run."""

import asyncio
import signal
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from tests.support.waiting import until
from tests.tracer.support.programs import recorded, tenure, write

from tenure.wire import Site

KIND = "aiohttp.web.Application lifespan"


async def answer(request):
    return web.Response(text="done")


async def pass_by(app):
    await asyncio.sleep(0)


async def fail(app):
    raise RuntimeError("no database")


@asynccontextmanager
async def database(app):
    async with asyncio.Lock():
        yield


async def old_style(app):
    yield


async def broken_at_the_end(app):
    yield
    raise RuntimeError("it does not close")


def application(**signals):
    app = web.Application()
    app.router.add_get("/", answer)
    for name, functions in signals.items():
        getattr(app, name).extend(functions)
    return app


async def serve(app):
    runner = web.AppRunner(app)
    try:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession() as session, session.get("http://{}:{}/".format(*runner.addresses[0])) as got:
            return await got.text()
    finally:
        await runner.cleanup()


def lifespans(recorder):
    return [line.partition(": ")[2] for line in recorder.lines() if KIND in line]


def test_an_application_is_held_from_its_startup_to_its_cleanup(recorder):
    """The resource is the application, placed where the program set it up."""
    app = application(on_startup=[pass_by], on_shutdown=[pass_by], on_cleanup=[pass_by])
    assert asyncio.run(serve(app)) == "done"
    assert lifespans(recorder) == [f"{KIND}, ok ok ok"]
    line = serve.__code__.co_firstlineno + 3
    assert [site for site in recorder.sites() if site.enter == "startup"] == [
        Site(__file__, line, "serve", "runner.setup()", "startup", "cleanup")
    ]


def test_what_the_cleanup_context_enters_hangs_under_the_lifespan_and_requests_do_not(recorder):
    """A manager and a plain generator alike, and all that they hold."""
    asyncio.run(serve(application(cleanup_ctx=[database, old_style])))
    tree = recorder.tree()
    start = next(place for place, line in enumerate(tree) if "lifespan" in line)
    assert tree[start : start + 4] == [
        "serve: Application lifespan",
        "  serve: database",
        "    serve: Lock",
        "      serve: old_style",
    ]
    assert "GET /: Request GET /" in tree


@pytest.mark.parametrize(
    ("signals", "line"),
    [
        ({"on_startup": [fail]}, "error(RuntimeError)"),
        ({"cleanup_ctx": [old_style], "on_startup": [fail]}, "error(RuntimeError)"),
        ({"on_shutdown": [fail]}, "ok ok error(RuntimeError)"),
        ({"on_cleanup": [fail]}, "ok ok error(RuntimeError)"),
        ({"cleanup_ctx": [broken_at_the_end]}, "ok ok error(RuntimeError)"),
    ],
)
def test_a_failure_is_told_of_the_phase_that_it_hit(recorder, signals, line):
    """And the program gets its exception."""
    with pytest.raises(RuntimeError):
        asyncio.run(serve(application(**signals)))
    assert lifespans(recorder) == [f"{KIND}, {line}"]


def test_a_startup_that_is_cancelled_is_told_so(recorder):
    """A deployment that gives up waiting, say."""

    async def main():
        async def wait(app):
            await asyncio.sleep(60)

        await asyncio.wait_for(serve(application(on_startup=[wait])), 0.05)

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert lifespans(recorder) == [f"{KIND}, cancelled(CancelledError)"]


def test_a_startup_that_hangs_is_seen_while_it_does(recorder):
    """It is an acquire like any other."""

    async def main():
        started = asyncio.Event()
        serving = asyncio.create_task(serve(application(on_startup=[lambda _: started.wait()])))
        seen = await until(lambda: lifespans(recorder))
        started.set()
        await serving
        return seen

    assert asyncio.run(main()) == [f"{KIND}, ?"]
    assert lifespans(recorder) == [f"{KIND}, ok ok ok"]


def test_a_sub_application_is_part_of_its_parents_lifespan(recorder):
    """Its signals are sent by the parent's."""
    app = application()
    app.add_subapp("/inner", application(on_startup=[pass_by], on_cleanup=[pass_by]))
    asyncio.run(serve(app))
    assert lifespans(recorder) == [f"{KIND}, ok ok ok"]


async def test_aiohttps_own_test_client_runs_a_lifespan_too(recorder):
    """So do pytest-aiohttp's fixtures, which are made of it."""
    async with TestClient(TestServer(application(on_startup=[pass_by]))) as client:
        assert await (await client.get("/")).text() == "done"
        assert lifespans(recorder) == [f"{KIND}, ok ?"]
    assert lifespans(recorder) == [f"{KIND}, ok ok ok"]


def test_run_app_is_the_place_of_the_lifespan_that_it_runs(tmp_path):
    """A signal ends it, and its release is recorded as far as it got: to the end."""
    write(
        tmp_path,
        app=f"""
        import asyncio, os
        from aiohttp import web

        async def stop_soon(app):
            loop = asyncio.get_running_loop()
            loop.call_later(0.2, os.kill, os.getpid(), {int(signal.SIGTERM)})

        app = web.Application()
        app.on_startup.append(stop_soon)
        web.run_app(app, host="127.0.0.1", port=0, print=None)
        """,
    )
    done = tenure(tmp_path, "run", "-o", "out.json", "app.py")
    assert done.status == 0, done.stderr
    rows = {
        (batch.sites[row.site].expression, batch.sites[row.site].line, batch.resources[row.resource].name)
        for batch in recorded(tmp_path / "out.json")
        for row in batch.rows
        if batch.sites[row.site].enter == "startup" and row.release_ns >= 0
    }
    assert rows == {('web.run_app(app, host="127.0.0.1", port=0, print=None)', 11, "lifespan")}

"""HTTP clients and their pools are called by the base URL that the program gave them."""

import asyncio

import aiohttp
import httpx
import httpx2
import pytest
from aiohttp import web

from tenure.adapters._kit import base_urls


def served(use):
    """Run ``use(url)`` beside a server; the url has credentials, which no name may have."""

    async def run():
        app = web.Application()
        app.router.add_get("/v1/orders", answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ((host, port),) = runner.addresses
        await use(f"http://{host}:{port}/v1/", f"http://user:secret@{host}:{port}/v1/?key=secret")
        await runner.cleanup()
        return f"http://{host}:{port}/v1"

    return asyncio.run(run())


async def answer(request):
    return web.Response()


def names(recorder):
    return {(resource.kind, resource.name) for resource in recorder.resources() if "aiohttp.web" not in resource.kind}


def test_a_session_of_aiohttp_and_its_connector(recorder):
    """Entered or not; a connector that the program made and may share has no name."""

    async def use(url, _):
        async with aiohttp.ClientSession(url) as session, session.get("orders"):
            pass

    name = served(use)
    assert names(recorder) == {
        ("aiohttp.client.ClientSession", name),
        ("aiohttp.connector.TCPConnector", name),
    }


def test_a_session_with_a_connector_of_the_programs(recorder):
    """The connector may be used by other sessions too."""

    async def use(url, _):
        connector = aiohttp.TCPConnector()
        session = aiohttp.ClientSession(url, connector=connector, connector_owner=False)
        async with session, session.get("orders"):
            pass
        await connector.close()

    name = served(use)
    assert names(recorder) == {("aiohttp.client.ClientSession", name), ("aiohttp.connector.TCPConnector", "")}


@pytest.mark.parametrize("package", [httpx, httpx2], ids=lambda package: package.__name__)
def test_a_client_of_httpx_and_its_pool(recorder, package):
    """Without the credentials and the query that it was given."""

    async def use(_, url):
        async with package.AsyncClient(base_url=url) as client:
            await client.get("orders")
            async with client.stream("GET", "orders"):
                pass

    name = served(use)
    core = package.__name__.replace("httpx", "httpcore")
    assert names(recorder) == {(f"{package.__name__}.AsyncClient", name), (f"{core}.AsyncConnectionPool", name)}


def test_a_client_without_a_base_url_has_the_programs_name(recorder):
    """That of the variable."""

    async def use(url, _):
        async with httpx.AsyncClient() as payments:
            await payments.get(f"{url}orders")

    served(use)
    assert ("httpcore.AsyncConnectionPool", "") in names(recorder)
    assert base_urls.name_of(httpx.AsyncClient()) == ""


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://[::1]:8443/a/", "https://[::1]:8443/a"),
        ("https://shop.example", "https://shop.example"),
        ("/relative", ""),
        ("", ""),
    ],
)
def test_a_base_url_as_a_name(url, name):
    """An address of IPv6 keeps its brackets; what has no host is no name."""
    assert base_urls.name_of(httpx.AsyncClient(base_url=url)) == name

"""An aiohttp application: `-m aiohttp.web` calls `main`, adev calls `app`."""

import work
from aiohttp import web


async def ready(request):
    return web.Response(text="ready")


async def show(request):
    await work.use()
    return web.Response(text=request.match_info["item"])


def app():
    application = web.Application()
    application.add_routes([web.get("/ready", ready), web.get("/items/{item}", show)])
    return application


def main(arguments):
    return app()

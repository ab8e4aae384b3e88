"""The same small shop by several web frameworks: an order that holds a lock, a failure, an answer of the program's."""

from typing import NamedTuple

import litestar
import microdot.asgi
import quart
from litestar.params import FromPath
from tests.tracer.support import django_shop
from tests.tracer.support.web_orders import Mistake, hold, pause


class Shop(NamedTuple):
    """An application, the pattern of its orders as its framework writes it, and the kind of its requests."""

    app: object
    route: str
    kind: str


def by_django():
    return Shop(django_shop.application(), "/orders/<int:pk>/", "django.http.HttpRequest")


def by_quart():
    app = quart.Quart(__name__)

    @app.before_request
    async def before():
        await pause()

    @app.get("/orders/<int:pk>")
    async def order(pk):
        await hold()
        return "done"

    @app.get("/fail")
    async def fail():
        raise RuntimeError("a bug")

    @app.get("/mistake")
    async def mistake():
        raise Mistake

    @app.errorhandler(Mistake)
    async def answer(error):
        return "sorry", 400

    return Shop(app, "/orders/<int:pk>", "quart.Request")


def by_litestar():
    @litestar.get("/orders/{pk:int}")
    async def order(pk: FromPath[int]) -> str:
        await hold()
        return "done"

    @litestar.get("/fail")
    async def fail() -> str:
        raise RuntimeError("a bug")

    @litestar.get("/mistake")
    async def mistake() -> str:
        raise Mistake

    def answer(request: litestar.Request, error: Mistake) -> litestar.Response:
        return litestar.Response("sorry", status_code=400)

    def pausing(app):
        async def middleware(scope, receive, send):
            await pause()
            await app(scope, receive, send)

        return middleware

    app = litestar.Litestar(
        [order, fail, mistake],
        exception_handlers={Mistake: answer},
        middleware=[pausing],
        openapi_config=None,
        logging_config=None,
    )
    return Shop(app, "/orders/{pk}", "litestar.Request")


def by_microdot():
    return Shop(microdot_shop(microdot.asgi.Microdot()), "/orders/<int:pk>", "microdot.Request")


def microdot_shop(app):
    """The shop on an application with its own server, or on one for ASGI."""

    @app.before_request
    async def before(request):
        await pause()

    @app.get("/orders/<int:pk>")
    async def order(request, pk):
        await hold()
        return "done"

    @app.get("/fail")
    async def fail(request):
        raise RuntimeError("a bug")

    @app.get("/mistake")
    async def mistake(request):
        raise Mistake

    @app.errorhandler(Mistake)
    async def answer(request, error):
        return "sorry", 400

    return app


FRAMEWORKS = [by_quart, by_litestar, by_microdot, by_django]

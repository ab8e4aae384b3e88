"""The shop by Django: settings, routes and views."""

import django.conf
import django.core.asgi
import django.core.wsgi
import django.http
import django.test
import django.urls
from asgiref.sync import markcoroutinefunction
from tests.tracer.support.web_orders import Mistake, hold, pause


async def order(request, pk):
    await hold()
    return django.http.HttpResponse("done")


async def fail(request):
    raise RuntimeError("a bug")


async def mistake(request):
    raise Mistake


def plain(request, pk):
    return django.http.HttpResponse("done")


def plain_fail(request):
    raise RuntimeError("a bug")


class Pausing:
    """A middleware, which answers Mistake as well."""

    async_capable, sync_capable = True, False

    def __init__(self, get_response):
        self.get_response = get_response
        markcoroutinefunction(self)

    async def __call__(self, request):
        await pause()
        return await self.get_response(request)

    def process_exception(self, request, error):
        return django.http.HttpResponse("sorry", status=400) if isinstance(error, Mistake) else None


urlpatterns = [
    django.urls.path("orders/<int:pk>/", order),
    django.urls.path("fail", fail),
    django.urls.path("mistake", mistake),
    django.urls.path("plain/<int:pk>", plain),
    django.urls.path("plain-fail", plain_fail),
]


def wsgi():
    """Django's WSGI handler, without the middleware: it is only for async."""
    with django.test.override_settings(MIDDLEWARE=[]):
        return django.core.wsgi.get_wsgi_application()


def synchronous(get_response):
    """A middleware of a function, which is only for threads."""

    def middleware(request):
        request.seen = True
        return get_response(request)

    return middleware


def with_synchronous_middleware():
    """Django's ASGI handler with it."""
    with django.test.override_settings(MIDDLEWARE=[f"{__name__}.synchronous"]):
        return django.core.asgi.get_asgi_application()


def application(make=django.core.asgi.get_asgi_application):
    """An application by these settings; ``make``: of ASGI, or of WSGI."""
    if not django.conf.settings.configured:
        django.conf.settings.configure(
            ROOT_URLCONF=__name__,
            MIDDLEWARE=[f"{__name__}.Pausing"],
            ALLOWED_HOSTS=["*"],
            SECRET_KEY="a key for tests",
            LOGGING_CONFIG=None,
        )
    return make()

"""Servers and frameworks, each driven by requests.

Those with two workers are ``ready`` when both have started: one that still starts may not end by a signal.
"""

from __future__ import annotations

import signal
from functools import partial

from .declaration import Way

_BARE = ("GET",)  # a bare ASGI application has no routes
_ROUTE = ("GET /items/{item}",)
_asgi = partial(Way, requests=True, names=_BARE)
_server = partial(Way, requests=True, names=_ROUTE)

ASGI_SERVERS = [
    _asgi(
        name="uvicorn",
        command="{bin}/uvicorn asgi_app:app --port {port}",
        packages=["uvicorn"],
        unit="request",
        light=True,
    ),
    _asgi(
        name="uvicorn --workers 2",
        command="{bin}/uvicorn asgi_app:app --port {port} --workers 2",
        ready=(2, "Application startup complete"),
        packages=["uvicorn"],
        unit="request",
        light=True,
    ),
    _asgi(
        name="uvicorn --reload",
        command="{bin}/uvicorn asgi_app:app --port {port} --reload",
        packages=["uvicorn"],
        unit="request",
        light=True,
    ),
    _asgi(
        name="gunicorn -k asgi",
        command="{bin}/gunicorn -k asgi -w 2 -b 127.0.0.1:{port} asgi_app:app",
        ready=(2, "ASGI server listening"),
        packages=["gunicorn"],
        light=True,
        unit="request",
    ),
    _asgi(
        name="gunicorn -k asgi --preload",
        command="{bin}/gunicorn -k asgi -w 2 --preload -b 127.0.0.1:{port} asgi_app:app",
        ready=(2, "ASGI server listening"),
        packages=["gunicorn"],
        light=True,
        notes="the application is imported before the fork",
        unit="request",
    ),
    _asgi(
        name="hypercorn",
        command="{bin}/hypercorn -b 127.0.0.1:{port} asgi_app:app",
        packages=["hypercorn"],
        unit="request",
        light=True,
        notes="one worker is a spawned child too",
    ),
    _asgi(
        name="hypercorn -w 2",
        command="{bin}/hypercorn -w 2 -b 127.0.0.1:{port} asgi_app:app",
        ready=(2, "Running on"),
        packages=["hypercorn"],
        unit="request",
        light=True,
    ),
    _asgi(
        name="granian --workers 2",
        command="{bin}/granian --interface asgi --workers 2 --port {port} asgi_app:app",
        ready=(2, "Started worker"),
        packages=["granian"],
        unit="request",
    ),
    _asgi(name="daphne", command="{bin}/daphne -p {port} asgi_app:app", packages=["daphne"], unit="request"),
]
FRAMEWORKS = [
    _server(
        name="fastapi dev",
        command="{bin}/fastapi dev fastapi_app.py --port {port}",
        packages=["fastapi", "uvicorn"],
        unit="request",
    ),
    _server(
        name="fastapi run",
        command="{bin}/fastapi run fastapi_app.py --port {port}",
        packages=["fastapi", "uvicorn"],
        unit="request",
    ),
    _server(
        name="python -m uvicorn, FastAPI",
        command="{python} -m uvicorn fastapi_app:app --port {port}",
        packages=["fastapi", "uvicorn"],
        unit="request",
        light=True,
    ),
    _server(
        name="sanic --workers 2",
        command="{bin}/sanic sanic_app.app -p {port} --workers 2",
        ready=(2, "Worker ready"),
        packages=["sanic"],
        names=["GET /items/<item:str>"],
        stop=signal.SIGTERM,
        idle_s=3.0,  # its manager does not end by a signal that comes soon after the start, also when it runs bare
        unit="request",
    ),
    _server(
        name="litestar run --reload",
        command="{bin}/litestar --app litestar_app:app run --reload --port {port}",
        packages=["litestar", "uvicorn"],
        unit="request",
    ),
    _server(
        name="quart run",
        command="{bin}/quart --app quart_app run --port {port}",
        packages=["quart", "hypercorn"],
        names=["GET /items/<item>"],
        unit="request",
    ),
    _server(
        name="hypercorn, Quart",
        command="{bin}/hypercorn -b 127.0.0.1:{port} quart_app:app",
        packages=["quart", "hypercorn"],
        names=["GET /items/<item>"],
        unit="request",
    ),
    _server(
        name="django runserver",
        command="{python} manage.py runserver {port}",
        packages=["django"],
        names=["GET /items/<item>"],
        notes="its server has no event loop: each request of an `async def` view has one of its own",
        unit="request",
    ),
    _server(
        name="python -m aiohttp.web",
        command="{python} -m aiohttp.web -H 127.0.0.1 -P {port} aiohttp_app:main",
        packages=["aiohttp"],
        unit="request",
        light=True,
    ),
    _server(
        name="adev runserver",
        command="{bin}/adev runserver --port {port} aiohttp_app.py",
        idle_s=0.5,  # it is interrupted wherever it is, and prints a traceback unless its loop is idle
        packages=["aiohttp-devtools", "aiohttp"],
        unit="request",
        notes="its server of static files is recorded too",
    ),
]

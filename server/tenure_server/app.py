"""The composition root: the only module that knows all others."""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from collections.abc import AsyncIterator, Callable

from aiohttp import web

from tenure import wire
from tenure_server.api import (
    diagram,
    exporters,
    health,
    lifecycles,
    metrics,
    processes,
    resources,
    stalls,
    tasks,
    traces,
)
from tenure_server.background.supervisor import supervise
from tenure_server.errors import StoreError, UsageError
from tenure_server.export.exporters import Exporters
from tenure_server.http import dashboard, login, request_body, security
from tenure_server.http.app_keys import CLOCK, EXPORTERS, GUESSES, HUB, REFUSALS, SESSIONS, SETTINGS, STORE
from tenure_server.http.listening.complaints import Complaints, quiet_logger
from tenure_server.http.listening.connections import Connections, note_stages
from tenure_server.http.listening.http_protocol import HttpProtocol
from tenure_server.http.listening.listener import Listener
from tenure_server.http.openapi import routes_with_document
from tenure_server.http.problems import problems
from tenure_server.http.rejections import Refusals
from tenure_server.http.routes import JSON, Route
from tenure_server.http.sessions import Sessions
from tenure_server.http.token_guesses import Guesses
from tenure_server.hub import Hub
from tenure_server.ingest import lifecycles as ingest
from tenure_server.ingest.otlp import receiver, sanitize, scan_backend, status
from tenure_server.limits import LINGER_S, RETENTION_INTERVAL_S
from tenure_server.live import connection
from tenure_server.live.subscriptions import FEED, Feed
from tenure_server.metrics.meters import METERS, Meters
from tenure_server.settings import Settings
from tenure_server.store import Store
from tenure_server.store.sqlite import SqliteStore

log = logging.getLogger("tenure.server")

_SHUTDOWN_S = 2.0

INGEST = Route(
    "POST",
    "/v1/lifecycles",
    ingest.post_lifecycles,
    "Store one batch of tenure.wire. 200: the batch is committed. Sending it again changes nothing.",
    answers={JSON: ingest.Stored},
    takes=[wire.CONTENT_TYPE],
    errors=[400, 408, 413, 415, 503],
)

ROUTES = routes_with_document(
    [
        INGEST,
        *receiver.ROUTES,
        *processes.ROUTES,
        *resources.ROUTES,
        *lifecycles.ROUTES,
        *traces.ROUTES,
        *tasks.ROUTES,
        *stalls.ROUTES,
        *diagram.ROUTES,
        *connection.ROUTES,
        *exporters.ROUTES,
        *health.ROUTES,
        *metrics.ROUTES,
    ]
)


def create_app(
    settings: Settings, store: Store | None = None, clock: Callable[[], int] = time.time_ns
) -> web.Application:
    """The collector as an application. Its cleanup closes the store.

    Serve it by ``Server``, or by an ``AppRunner`` with auto_decompress=False: the collector decompresses bodies itself.

    Raises:
        StoreUnusable: no store is passed, and that of the settings cannot be opened.
    """
    sanitize.hide_also(settings.scrub)
    app = web.Application(middlewares=[note_stages, status.statuses, problems, security.guard])
    app[SETTINGS] = settings
    app[STORE] = SqliteStore(settings.store, clock, settings.max_bytes) if store is None else store
    app[HUB] = Hub()
    app[CLOCK] = clock
    app[REFUSALS] = Refusals()
    app[GUESSES] = Guesses(clock)
    if token := settings.token or settings.ingest_token:
        app[SESSIONS] = Sessions(token, clock)
    app[request_body.WORK] = request_body.BodyWork()
    app[EXPORTERS] = Exporters(app[STORE], app[HUB], settings.otlp, clock)
    app[FEED] = Feed(app[STORE], app[HUB], clock, app[EXPORTERS].status)
    for route in ROUTES:
        if route.method == "GET":
            app.router.add_get(route.path, route.handle)  # it adds HEAD too
        else:
            app.router.add_route(route.method, route.path, route.handle)
    app.router.add_get("/login", login.get_login)
    app.router.add_post("/login", login.post_login)
    app.router.add_post("/logout", login.post_logout)
    app.router.add_get("/login.css", login.get_style)
    app.router.add_get("/{name:[^/]*}", dashboard.get_page)
    app.router.add_get("/{name:assets/[^/]+}", dashboard.get_page)
    app.on_response_prepare.append(security.add_headers)
    app.on_shutdown.append(_end_live)
    app.cleanup_ctx.append(_keep_store)
    return app


async def _end_live(app: web.Application) -> None:
    await app[FEED].close()


async def _keep_store(app: web.Application) -> AsyncIterator[None]:
    """Measure, export and delete old lifecycles while the collector runs; close the store after the last request."""
    if scan_backend.notice:
        log.warning("%s", scan_backend.notice)
    app[METERS] = Meters(lambda: metrics.gather(app), app[SETTINGS].otlp)
    await app[EXPORTERS].start()
    retention = supervise("retention", lambda: _retain(app[STORE], app[SETTINGS]))
    yield
    await asyncio.gather(app[EXPORTERS].stop(), app[METERS].close())
    retention.cancel()
    await asyncio.gather(retention, return_exceptions=True)
    await app[STORE].close()


async def _retain(store: Store, settings: Settings) -> None:
    """Enforce age and size, again and again. A failure that lasts, for example a full disk, is logged once."""
    logged = ""
    while True:
        try:
            await store.retain(settings.retention_ns, settings.max_bytes)
            logged = ""
        except StoreError as error:
            if str(error) != logged:
                log.warning("old lifecycles could not be deleted: %s", error)
            logged = str(error)
        await asyncio.sleep(RETENTION_INTERVAL_S)


class Server:
    """The collector, listening at its address."""

    def __init__(self, app: web.Application) -> None:
        self._complaints = Complaints()
        self._logger = quiet_logger(self._complaints)
        self._runner = web.AppRunner(app, access_log=None, logger=self._logger, shutdown_timeout=_SHUTDOWN_S)
        self._settings = app[SETTINGS]
        self._connections: Connections | None = None
        self._listener: Listener | None = None

    async def start(self) -> str:
        """Begin to listen; answer the URL.

        Raises:
            UsageError: the address cannot be listened on.
        """
        host, port = self._settings.host, self._settings.port
        await self._runner.setup()
        self._connections = Connections(self._protocol, self._complaints)
        self._listener = Listener(self._connections, self._complaints)
        try:
            real_port = await self._listener.open(host, port)
        except OSError as error:
            await self.stop()
            raise UsageError(_why_not_listening(host, port, error)) from None
        return f"http://{f'[{host}]' if ':' in host else host}:{real_port}"

    def _protocol(self) -> HttpProtocol:
        assert self._runner.server is not None
        return HttpProtocol(
            self._runner.server,
            loop=asyncio.get_running_loop(),
            auto_decompress=False,
            access_log=None,  # type: ignore[arg-type]
            logger=self._logger,
            lingering_time=LINGER_S,
        )

    async def stop(self) -> None:
        """Close the connections, write the queued batches, close the store."""
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()
        if self._connections is not None:
            self._connections.close()
        self._complaints.flush()


def _why_not_listening(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use (give another --port, or stop the other program)"
    if error.errno == errno.EACCES:
        return f"this user may not listen on port {port} of {host} (give a --port above 1023)"
    return f"cannot listen on {host} port {port}: {error.strerror or error} (give another --host or --port)"

"""The typed keys of what the handlers use from the application."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from aiohttp import web

from tenure_server.hub import Hub
from tenure_server.settings import Settings
from tenure_server.store import Store

if TYPE_CHECKING:
    from tenure_server.export.exporters import Exporters
    from tenure_server.http.rejections import Refusals
    from tenure_server.http.sessions import Sessions
    from tenure_server.http.token_guesses import Guesses

SETTINGS = web.AppKey("SETTINGS", Settings)
STORE: web.AppKey[Store] = web.AppKey("STORE", Store)
HUB = web.AppKey("HUB", Hub)
EXPORTERS: web.AppKey[Exporters] = web.AppKey("EXPORTERS")
GUESSES: web.AppKey[Guesses] = web.AppKey("GUESSES")
SESSIONS: web.AppKey[Sessions] = web.AppKey("SESSIONS")  # only if a token is set
REFUSALS: web.AppKey[Refusals] = web.AppKey("REFUSALS")
CLOCK: web.AppKey[Callable[[], int]] = web.AppKey("CLOCK")  # wall time, ns

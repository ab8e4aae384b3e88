"""aiohttp's protocol of one connection, with the collector's headers on the answers that aiohttp makes itself."""

from __future__ import annotations

from aiohttp import web

from tenure_server.http.response_headers import HEADERS, NOT_KEPT


class HttpProtocol(web.RequestHandler):
    """Invalid HTTP does not reach the application, whose signals add the headers to all other answers."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        response = super().handle_error(request, status, exc, message)
        response.headers.update(HEADERS | NOT_KEPT)
        return response

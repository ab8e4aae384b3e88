"""The declaration of an address: from it the address is served and described in OpenAPI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import msgspec
from aiohttp import web

from tenure_server.errors import BadParameter
from tenure_server.http.parameters import Parameter

# A struct, or a generic struct with its item: any type of which msgspec makes a schema.
Shape: TypeAlias = object

JSON = "application/json"
TOKEN = "token"  # noqa: S105 -- the name of a parameter: every address takes it


class Route:
    """One address and method."""

    def __init__(
        self,
        method: str,
        path: str,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
        summary: str,
        *,
        parameters: Sequence[Parameter[object]] = (),
        answers: dict[str, Shape | None] | None = None,
        takes: Sequence[str] = (),
        errors: Sequence[int] = (),
        errors_as: dict[str, Shape | None] | None = None,
    ) -> None:
        """``answers`` are the media types of a 200 with their shapes; ``takes`` are the media types of the body.

        ``errors_as`` are the media types of an error with their shapes; None: errors are problem documents.
        """
        self.method = method
        self.path = path
        self.summary = summary
        self.parameters = parameters
        self.answers = answers or {}
        self.takes = takes
        self.errors = errors
        self.errors_as = errors_as
        self._handler = handler

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Refuse unknown parameters: with a misspelt filter the answer would be the whole list."""
        known = {parameter.name for parameter in self.parameters} | {TOKEN}
        for name in request.query:
            if name not in known:
                raise BadParameter(
                    name[:80], f"unknown parameter of {self.path} (expected one of: {', '.join(sorted(known))})"
                )
        return await self._handler(request)


def json_response(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type=JSON)

"""The headers of every answer, including those that aiohttp makes itself."""

from __future__ import annotations

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # the address may hold the token; with "no-referrer" forms have no Origin
    "Server": "tenure",
    "X-Content-Type-Options": "nosniff",
}
NOT_KEPT = {"Cache-Control": "no-store"}  # for all answers except the dashboard's assets

"""The headers of every answer, those included that the application does not make."""

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
NOT_KEPT = {"Cache-Control": "no-store"}  # all but the dashboard's assets

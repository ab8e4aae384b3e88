"""GET /: the built dashboard, or a page that explains how to build it."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from tenure_server.http.security import SESSION_LEFT

STATIC = Path(__file__).parent.parent / "static"  # where server/hatch_build.py puts it

_NOT_BUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Tenure</title>
<h1>The dashboard is not built</h1>
<p>The collector is running. The dashboard is built from <code>web/</code> when the server is installed: run
<code>pip install ./server</code>, or <code>make setup</code> in a checkout. The <a href="api/openapi.json">API</a>
works without it.</p>
</html>
"""


async def get_page(request: web.Request) -> web.StreamResponse:
    """A file of the dashboard; the page itself at "/"."""
    name = request.match_info.get("name", "") or "index.html"
    file = _find(name)
    if file is None:
        if name == "index.html":
            return web.Response(status=200, text=_NOT_BUILT, content_type="text/html")
        raise web.HTTPNotFound
    if name == "index.html" and SESSION_LEFT in request:  # the page offers to log out
        text = file.read_text().replace("<html ", "<html data-session ", 1)
        return web.Response(text=text, content_type="text/html")
    return web.FileResponse(file, headers=_IMMUTABLE if name.startswith("assets/") else None)


_IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}  # names of assets contain a hash


def _find(name: str) -> Path | None:
    """A file of the dashboard; None: there is none of this name, or the name leads out of its directory."""
    try:
        file = (STATIC / name).resolve()
        return file if file.is_relative_to(STATIC.resolve()) and file.is_file() else None
    except (OSError, ValueError):
        return None

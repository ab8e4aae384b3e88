"""Makes the page: the built dashboard with its script, its styles and the archive in one HTML document.

The archive is JSON, compressed with gzip and encoded in base64: none of it can be read as markup, and a page with a
hundred thousand steps has a few megabytes. The page's own Content-Security-Policy forbids requests.
"""

from __future__ import annotations

import gzip
import re
from base64 import b64encode
from html import escape
from pathlib import Path

import msgspec

from tenure_server.errors import UsageError
from tenure_server.http.dashboard import STATIC
from tenure_server.offline.archive.contents import Archive

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
_SCRIPT = re.compile(r'<script type="module"[^>]* src="\./(assets/[^"]+)"></script>')
_STYLES = re.compile(r'<link rel="stylesheet"[^>]* href="\./(assets/[^"]+)">')
_ICON = re.compile(r'<link rel="icon" href="\./([^"]+)" type="([^"]+)" />')


def render(archive: Archive, title: str, static: Path = STATIC) -> str:
    """One HTML document.

    Raises:
        UsageError: the dashboard is not built.
    """
    page = _read(static / "index.html")
    icon = _ICON.search(page)
    script, styles = _SCRIPT.search(page), _STYLES.search(page)
    if icon is None or script is None or styles is None:
        raise UsageError(f"the dashboard at {static} belongs to another version (reinstall tenure-server)")
    data = b64encode(gzip.compress(msgspec.json.encode(archive), 9, mtime=0)).decode()
    written = {
        icon[0]: f'<link rel="icon" href="data:{icon[2]};base64,{_base64(static / icon[1])}" />',
        styles[0]: f"<style>{_read(static / styles[1])}</style>",
        script[0]: "",
        "<title>Tenure</title>": f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}" />\n'
        f"    <title>{escape(title)} - Tenure</title>",
        "</body>": f'  <script type="application/gzip" id="archive">{data}</script>\n'
        f'    <script type="module">{_script(_read(static / script[1]))}</script>\n  </body>',
    }
    pattern = re.compile("|".join(map(re.escape, written)))
    return pattern.sub(lambda match: written[match[0]], page)


def _script(text: str) -> str:
    """Escape what would end the element or begin a comment in it; in a JavaScript string the escapes mean the same."""
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _base64(path: Path) -> str:
    return b64encode(_read(path).encode()).decode()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        raise UsageError(
            "an HTML page needs the dashboard, which is not built (reinstall tenure-server; in a checkout: make setup)"
        ) from None

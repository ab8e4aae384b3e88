"""The browser of these tests: Debian's chromium where it is installed, else npm's @sparticuz/chromium, unpacked once.

The npm package needs libnspr4, libnss3 and libexpat besides the C library. Where the machine lacks one, those of the
package's own al2023 archive serve. Its fonts are added to the machine's, of which there may be none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent.parent
NODE = HERE.parent.parent / "scripts" / "node.py"
UNPACKED = HERE / "node_modules" / ".unpacked-chromium"

FONTS_CONF = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>{fonts}</dir>
  <cachedir>{fonts}/cache</cachedir>
</fontconfig>
"""


@dataclass(frozen=True)
class Chromium:
    """What to start, and how: the sandbox cannot be had by root or in a container, and there is no GPU."""

    path: Path
    env: dict[str, str] = field(default_factory=dict)  # on top of os.environ
    arguments: tuple[str, ...] = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")


def find_chromium() -> Chromium:
    """TENURE_CHROMIUM=npm passes over Debian's.

    Raises:
        RuntimeError: there is neither.
    """
    installed = shutil.which("chromium")
    if installed and os.environ.get("TENURE_CHROMIUM") != "npm":
        return Chromium(Path(installed))
    if not (HERE / "node_modules" / "@sparticuz" / "chromium").exists():
        raise RuntimeError("no chromium: install Debian's, or run `python scripts/node.py npm --prefix tests/web ci`")
    if not UNPACKED.exists():
        _unpack()
    return Chromium(UNPACKED / "chromium", _surroundings())


def _unpack() -> None:
    """Unpack beside and move in one go: two runs at the same time do not disturb one another."""
    with tempfile.TemporaryDirectory(dir=UNPACKED.parent) as beside:
        whole = Path(beside) / "chromium"
        whole.mkdir()
        subprocess.run(
            [sys.executable, NODE, "node", HERE / "unpack_chromium.mjs"],
            env=os.environ | {"TMPDIR": str(whole)},
            check=True,
            timeout=120,
        )
        (whole / "fonts.conf").write_text(FONTS_CONF.format(fonts=UNPACKED / "fonts"))
        try:
            whole.rename(UNPACKED)
        except OSError:
            if not UNPACKED.exists():
                raise


def _surroundings() -> dict[str, str]:
    env = {"FONTCONFIG_FILE": str(UNPACKED / "fonts.conf")}
    needed = subprocess.run(["ldd", UNPACKED / "chromium"], capture_output=True, text=True, check=False)
    if "not found" in needed.stdout:
        env["LD_LIBRARY_PATH"] = f"{UNPACKED / 'al2023' / 'lib'}:{os.environ.get('LD_LIBRARY_PATH', '')}"
    return env

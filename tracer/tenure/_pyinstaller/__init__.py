"""Hooks for PyInstaller, which finds them by the entry point ``hook-dirs`` of the group ``pyinstaller40``."""

from __future__ import annotations

import os


def hook_dirs() -> list[str]:
    """The folders that have hooks."""
    return [os.path.dirname(__file__)]  # noqa: PTH120  # PyInstaller takes texts

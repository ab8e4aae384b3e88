"""Runs in a frozen program before its own script, as the start-up file runs in an interpreter."""

import os

if os.environ.get("TENURE_RECORD", "") not in {"", "0"}:
    from tenure.cli import startup

    startup.begin()

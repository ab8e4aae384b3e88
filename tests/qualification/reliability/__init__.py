"""Experiments that measure what docs/reliability.md promises; each is one module with an `EXPERIMENT`."""

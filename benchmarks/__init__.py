"""Measurements: figures are printed beside a stored baseline and never asserted.

``bench_NAME.py`` is one benchmark. It has ``figures() -> list[Figure]``, and the first line of its docstring is its
line in `python -m benchmarks --help`.
"""

"""What holds for every test."""

from hypothesis import settings
from tests.support.fuzzing import IN_THE_GATE, examples

if not IN_THE_GATE:
    settings.register_profile("fuzz", max_examples=examples(), deadline=None)
    settings.load_profile("fuzz")

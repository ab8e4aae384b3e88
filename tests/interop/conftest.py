"""What holds for every test that talks to software of others."""

import os

import pytest


@pytest.fixture(autouse=True)
def installed_software(request: pytest.FixtureRequest) -> None:
    """A test marked ``interop`` fails where that software is missing; it is never skipped."""
    if request.node.get_closest_marker("interop") and not os.environ.get("TENURE_INTEROP_PYTHON"):
        pytest.fail("this test needs the software of others: run `make interop`, which installs it")

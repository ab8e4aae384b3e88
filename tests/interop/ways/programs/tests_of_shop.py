"""Twelve tests of pytest."""

import asyncio

import pytest
import work


@pytest.mark.parametrize("item", range(12))
def test_item(item):
    asyncio.run(work.use())

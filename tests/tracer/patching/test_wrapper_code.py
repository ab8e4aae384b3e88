"""The code by which a wrapper's coroutine is known."""

import asyncio

import pytest

from tenure._patching.bodies import awaited, wrapper_code


async def acquire(owner):
    return owner


@pytest.mark.parametrize("factory", [awaited.acquire, awaited.function])
def test_the_code_is_that_of_the_coroutines(factory):
    """Also since 3.14, where a function with annotations has another one within its code."""

    async def main():
        coroutine = factory(acquire, "acquiring")("owner")
        return coroutine.cr_code, await coroutine

    assert asyncio.run(main()) == (wrapper_code(factory), "owner")

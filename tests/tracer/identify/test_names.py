"""The names of resources and tasks."""

import asyncio

import pytest

from tenure import testing
from tenure._identify.sites import Site, one_line, resource_name


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("lock", "lock"),
        ("self._stock_lock", "stock_lock"),
        ("pool.acquire()", "pool"),
        ("self.pool.acquire(timeout=1)", "pool"),
        ("await pool.acquire()", "pool"),
        ('app["db"]', "db"),
        ('request.app["db"].acquire()', "db"),
        ("locks[0]", "locks[0]"),
        ("locks[key]", ""),
        ("Connection()", ""),
        ("asyncio.timeout(0.5)", ""),
        ("make()()", ""),
        ("", ""),
        ("not an expression", ""),
    ],
)
def test_a_resource_is_called_by_its_expression(expression: str, expected: str) -> None:
    """Names, attributes and constant subscripts name a resource; a constructor's call does not."""
    assert resource_name(expression) == expected


def test_a_site_is_one_string_and_back() -> None:
    """Also with odd characters in the path, and with the expression cut to one line of bounded length."""
    site = Site("/a b/ü.py", 3, "Shop.buy.<locals>.inner", one_line("f(\n    1,\n    2)"), True)
    assert Site.of(site.key()) == site
    assert site.expression == "f( 1, 2)"
    assert len(one_line("x" * 1000)) == 200
    assert Site.of(Site("a\x1fb.py", 1, "f", "x").key()).file == "a?b.py"


def test_tasks_are_called_by_their_coroutine_unless_the_program_named_them() -> None:
    """Plain for the first task of all, with an ordinal for those that were created, a given name as it is."""
    with testing.recorder() as recorder:
        app = recorder.load("""
            import asyncio, threading
            class Manager:
                async def __aenter__(self): pass
                async def __aexit__(self, *details): pass
            class Shop:
                async def checkout(self):
                    async with Manager(): pass
            async def worker():
                async with Manager(): pass
            async def main():
                async def inner():
                    async with Manager(): pass
                async with Manager(): pass
                await asyncio.gather(worker(), worker(), Shop().checkout(), inner())
                await asyncio.create_task(worker(), name="the special one")
                late = asyncio.create_task(worker())
                late.set_name("renamed")
                await late
            def in_a_thread():
                try:
                    worker().send(None)
                except StopIteration:
                    pass
        """)
        asyncio.run(app.main())
        app.in_a_thread()
        (batch,) = recorder.batches()
    assert [(task.name, task.coroutine, task.kind) for task in batch.tasks] == [
        ("main", "main", "task"),
        ("worker-1", "worker", "task"),
        ("worker-2", "worker", "task"),
        ("Shop.checkout-1", "Shop.checkout", "task"),
        ("inner-1", "main.<locals>.inner", "task"),
        ("the special one", "worker", "task"),
        ("renamed", "worker", "task"),
        ("MainThread", "", "thread"),
    ]

"""The kinds of resources are public names."""

import sys
from types import ModuleType

import pytest

from tenure import testing
from tenure._identify import libraries
from tenure._identify.kinds import function_name, kind_name


@pytest.fixture
def module(monkeypatch):
    """A way to make modules that are gone afterwards, and a recording."""

    def make(name, **names):
        made = ModuleType(name)
        vars(made).update(names)
        monkeypatch.setitem(sys.modules, name, made)
        return made

    with testing.recorder():
        yield make


def a_class(module_name, name="Pool"):
    return type(name, (), {"__module__": module_name})


def test_a_class_has_the_name_of_the_package_that_exports_it(module):
    """The outermost one; a module without an underscore is public already."""
    pool, own = a_class("hotel._impl.pools"), a_class("hotel.pools")
    module("hotel", Pool=pool)
    assert kind_name(pool) == "hotel.Pool"
    assert kind_name(own) == "hotel.pools.Pool"
    inner = a_class("hotel.db._impl")
    module("hotel.db", Pool=inner)
    assert kind_name(inner) == "hotel.db.Pool"
    assert kind_name(dict) == "dict"


def test_what_is_exported_nowhere(module):
    """Of a library that is known the private modules are left out; the program's own name stays whole."""
    module("hotel")
    hidden = a_class("hotel._backends._asyncio")
    assert kind_name(hidden) == "hotel._backends._asyncio.Pool"
    libraries.know("hotel")
    assert kind_name(hidden) == "hotel.Pool"
    assert kind_name(a_class("hotel.shop", "_Pool")) == "hotel.shop._Pool"


def test_a_function_is_known_by_what_a_decorator_made_of_it(module):
    """As a library exports it."""

    def connect():
        pass

    def decorated():
        pass

    decorated.__wrapped__ = connect
    module("hotel", connect=decorated)
    assert function_name(connect, "hotel._api", "connect") == "hotel.connect"
    assert function_name(connect, "hotel._api", "other") == "hotel._api.other"

"""The names of databases."""

import pytest

from tenure.adapters._kit import databases

ADDRESSES = {
    "postgresql://shop:secret@db.example:5432/orders": "orders",
    "postgresql://db1,db2:5433/orders?target_session_attrs=any": "orders",
    "postgresql://db/my%20orders": "my orders",
    "postgresql:///?dbname=orders&host=/run/postgresql": "orders",
    "postgresql://db/?database=orders": "orders",
    "postgresql://shop@db": None,
    "host=db dbname=orders password=secret": "orders",
    "host = db dbname = 'my orders'": "my orders",
    "dbname=first dbname=second": "second",
    "host=db": None,
    "": None,
}
UNQUOTED = [  # passwords with characters that a URL or a string must quote, and whole ones that look like a setting
    "postgresql://shop:sec/ret@db/orders",
    "postgresql://shop:sec?ret@db/orders",
    "postgresql://shop:sec#ret@db/orders",
    "postgresql://shop:[sec]ret@db/orders",
    "password='x dbname=secret' host=db",
    "password=x\\ dbname=secret",
    "password='it\\'s dbname=secret'",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_database_of_an_address_is_its_name(address):
    """Of a URL, and of a connection string as libpq reads it, where the last setting counts."""
    assert databases.database_of(address) == ADDRESSES[address]


@pytest.mark.parametrize("address", UNQUOTED)
def test_no_part_of_a_password_becomes_a_name(address):
    """What is not well formed has no name, whatever its driver makes of it."""
    assert databases.database_of(address) is None


@pytest.mark.parametrize("address", [None, b"postgresql://db/orders", lambda: "postgresql://db/orders"])
def test_what_is_no_text_names_no_database(address):
    """Libraries take functions that find the address, too; they are not called."""
    assert databases.database_of(address) is None

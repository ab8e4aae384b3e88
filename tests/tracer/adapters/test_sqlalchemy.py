"""SQLAlchemy's asynchronous engine and sessions."""

import asyncio

import pytest
import sqlalchemy
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

ENGINE = "sqlalchemy.ext.asyncio.engine.AsyncEngine"
ONE = text("SELECT 1")


@pytest.fixture(autouse=True)
def uses_alone(recorder):
    """A client that a test makes by hand is not listed."""
    recorder.leave_out("AsyncEngine", "AsyncSession")


async def connect(engine, until=None):
    async with engine.connect() as connection:
        if until is not None:
            await until.wait()
        await connection.execute(ONE)


async def begin(engine):
    async with engine.begin() as connection:
        await connection.execute(ONE)


async def connect_by_calls(engine):
    connection = await engine.connect()
    try:
        await connection.execute(ONE)
    finally:
        await connection.close()


async def begin_within(engine):
    async with engine.connect() as connection, connection.begin():
        await connection.execute(ONE)


async def in_session(engine):
    async with AsyncSession(engine) as session:
        await session.execute(ONE)


async def in_session_transaction(engine, statement=ONE):
    make = async_sessionmaker(engine)
    async with make() as session, session.begin():
        await session.execute(statement)


async def by_maker(engine):
    async with async_sessionmaker(engine).begin() as session:
        await session.execute(ONE)


async def begin_by_calls(engine):
    connection = await engine.connect()
    transaction = await connection.begin()
    savepoint = await connection.begin_nested()
    await savepoint.rollback()
    await transaction.commit()
    await connection.close()


async def begin_nested_in_session(engine):
    async with AsyncSession(engine) as session, session.begin(), session.begin_nested():
        await session.execute(ONE)


async def session_by_calls(engine):
    session = AsyncSession(engine)
    await session.execute(ONE)
    await session.close()


def ask(connection):
    return connection.execute(ONE).scalar()


async def run_sync(engine):
    async with AsyncSession(engine) as session:
        return await session.run_sync(ask)


@pytest.fixture(params=["asyncpg", "psycopg", "aiosqlite"])
def driver(request):
    return request.param


@pytest.fixture
def with_engine(postgres, driver, tmp_path):
    """Runs ``use(engine)`` with an engine of two connections at most."""
    url = f"sqlite+aiosqlite:///{tmp_path}/shop" if driver == "aiosqlite" else f"postgresql+{driver}:{postgres}"

    async def run(use, *arguments, size=1, overflow=1, poolclass=sqlalchemy.AsyncAdaptedQueuePool, **named):
        if poolclass is sqlalchemy.AsyncAdaptedQueuePool:
            named |= {"pool_size": size, "max_overflow": overflow}
        engine = create_async_engine(url, poolclass=poolclass, **named)
        try:
            return await use(engine, *arguments)
        finally:
            await engine.dispose()

    return run


@pytest.mark.parametrize(
    ("use", "calls"),
    [
        (connect, ("connect", "__aexit__")),
        (begin, ("begin", "__aexit__")),
        (connect_by_calls, ("connect", "close")),
    ],
)
def test_a_connection_is_taken_from_the_engine_however_it_is_asked_for(recorder, written, with_engine, use, calls):
    """One lifecycle, whatever the engine, its pool and its driver enter within themselves."""
    assert recorder.run(with_engine(written(use))) == [f"run: {ENGINE} shop (2), ok ok ok"]
    site = recorder.sites()[0]
    assert (site.file, site.function, site.enter, site.exit) == (__file__, use.__name__, *calls)
    assert recorder.resources()[0].stereotype == "database"


def test_a_transaction_is_a_use_of_its_own(recorder, written, with_engine):
    """It is the program that began it."""
    assert recorder.run(with_engine(written(begin_within))) == [
        f"run: {ENGINE} shop (2), ok ok ok",
        "run: sqlalchemy.ext.asyncio.engine.AsyncTransaction, ok ok ok",
    ]


def test_a_session_holds_the_engine_from_its_first_statement_on(recorder, written, with_engine):
    """The session itself takes nothing; the statement does, and what it took goes back when the session is closed."""
    assert recorder.run(with_engine(written(in_session))) == [
        "run: sqlalchemy.ext.asyncio.session.AsyncSession, ok ok ok",
        f"run: {ENGINE} shop (2), ok ok ok",
    ]
    site = recorder.sites()[1]
    line = in_session.__code__.co_firstlineno + 2
    assert (site.function, site.line, site.expression, site.enter, site.exit) == (
        "in_session",
        line,
        "session.execute(ONE)",
        "checkout",
        "checkin",
    )


def test_a_sessions_transaction_that_fails_gives_the_connection_back(recorder, written, with_engine, driver):
    """Everything is closed, and the database's exception goes on."""

    async def main(engine):
        with pytest.raises(sqlalchemy.exc.DBAPIError):
            await written(in_session_transaction)(engine, text("no SQL"))

    error = "OperationalError" if driver == "aiosqlite" else "ProgrammingError"
    assert recorder.run(with_engine(main)) == [
        f"run: sqlalchemy.ext.asyncio.session.AsyncSession, ok error({error}) goes on",
        f"run: sqlalchemy.ext.asyncio.session.AsyncSessionTransaction, ok error({error}) goes on",
        f"run: {ENGINE} shop (2), ok ok ok",
    ]


def test_a_sessionmakers_begin_is_a_transaction(recorder, written, with_engine):
    """The program wrote one statement: a session that began."""
    assert recorder.run(with_engine(written(by_maker))) == [
        "run: sqlalchemy.ext.asyncio.session.AsyncSession, ok ok ok",
        f"run: {ENGINE} shop (2), ok ok ok",
    ]
    assert recorder.sites()[0].enter == "begin"


def test_all_ways_take_one_engine(recorder, written, with_engine):
    """Engine, sessions and calls: who uses one waits for who uses another."""

    async def main(engine):
        for use in (connect, begin, connect_by_calls, in_session):
            await written(use)(engine)

    recorder.run(with_engine(main))
    assert len({resource for resource in recorder.resources() if resource.kind == ENGINE}) == 1


def test_who_waits_for_a_connection_is_seen_to_wait(recorder, written, with_engine):
    """A pool of one: the session's statement acquires until the connection was closed."""
    waiting = [
        f"holder: {ENGINE} shop (1), ok ?",
        "waiter: sqlalchemy.ext.asyncio.session.AsyncSession, ok ?",
        f"waiter: {ENGINE} shop (1), ?",
    ]

    async def main(engine):
        done = asyncio.Event()
        holder = asyncio.create_task(written(connect)(engine, done), name="holder")
        waiter = asyncio.create_task(written(in_session)(engine), name="waiter")
        seen = await recorder.until(waiting)
        done.set()
        await asyncio.gather(holder, waiter)
        return seen

    assert asyncio.run(with_engine(main, overflow=0)) == waiting
    assert [line.rpartition(", ")[2] for line in recorder.lines()] == ["ok ok ok"] * 3


def test_transactions_by_calls_are_uses_of_their_own(recorder, written, with_engine):
    """From where each is begun to its commit or rollback; a savepoint lies within its transaction."""
    recorder.run(with_engine(written(begin_by_calls)))
    assert recorder.lines() == [
        f"run: {ENGINE} shop (2), ok ok ok",
        *["run: sqlalchemy.ext.asyncio.engine.AsyncTransaction, ok ok ok"] * 2,
    ]
    assert recorder.tree()[1:] == ["  run: AsyncTransaction", "    run: AsyncTransaction"]
    assert [(site.enter, site.exit) for site in recorder.sites()] == [("connect", "close"), *[("begin", "commit")] * 2]


def test_a_savepoint_of_a_session_lies_within_its_transaction(recorder, written, with_engine):
    """The connection is taken by the savepoint, and given back by the transaction that it belongs to."""
    assert recorder.run(with_engine(written(begin_nested_in_session))) == [
        "run: sqlalchemy.ext.asyncio.session.AsyncSession, ok ok ok",
        "run: sqlalchemy.ext.asyncio.session.AsyncSessionTransaction, ok ok ok",
        "run: sqlalchemy.ext.asyncio.session.AsyncSessionTransaction, ok ok ok",
        f"run: {ENGINE} shop (2), ok ok ok",
    ]


@pytest.mark.parametrize(
    ("use", "statement"),
    [(session_by_calls, ("session_by_calls", "session.execute(ONE)")), (run_sync, ("ask", "connection.execute(ONE)"))],
)
def test_a_session_takes_the_engine_where_its_first_statement_stands(recorder, written, with_engine, use, statement):
    """Also without a statement for the session, and in a plain function that ``run_sync()`` calls."""
    lines = recorder.run(with_engine(written(use)))
    assert lines[-1] == f"run: {ENGINE} shop (2), ok ok ok"
    site = recorder.sites()[-1]
    assert (site.function, site.expression, site.enter, site.exit) == (*statement, "checkout", "checkin")


@pytest.mark.parametrize(
    ("named", "capacity"),
    [
        ({"size": 2, "overflow": 3}, 5),
        ({"size": 2, "overflow": -1}, None),
        ({"poolclass": sqlalchemy.NullPool}, None),
    ],
)
@pytest.mark.parametrize("driver", ["aiosqlite"], indirect=True)
def test_the_capacity_is_the_pools_with_what_it_may_overflow(recorder, with_engine, named, capacity):
    """None where there is no limit."""
    recorder.run(with_engine(connect, **named))
    assert [resource.capacity for resource in recorder.resources()] == [capacity]


@pytest.mark.parametrize("use", [connect, connect_by_calls, in_session])
@pytest.mark.parametrize("driver", ["asyncpg"], indirect=True)
def test_no_connection_in_time_is_an_acquire_that_failed(recorder, written, with_engine, use):
    """The program gets SQLAlchemy's TimeoutError, however it asks."""

    async def main(engine):
        async with engine.connect():
            with pytest.raises(sqlalchemy.exc.TimeoutError):
                await written(use)(engine)

    lines = recorder.run(with_engine(main, overflow=0, pool_timeout=0.05))
    assert [line for line in lines if ENGINE in line] == [
        f"run: {ENGINE} shop (1), ok ok ok",
        f"run: {ENGINE} shop (1), error(TimeoutError)",
    ]


@pytest.mark.parametrize("driver", ["asyncpg", "psycopg"], indirect=True)
def test_a_server_that_is_not_there_makes_the_connecting_fail(recorder, driver):
    """Nothing was held, and nothing is told of the driver's own attempt; the password is no part of the name."""

    async def main():
        engine = create_async_engine(f"postgresql+{driver}://shop:secret@127.0.0.1:1/shop")
        with pytest.raises((OSError, sqlalchemy.exc.OperationalError)):
            await engine.connect()
        await engine.dispose()

    error = {"asyncpg": "ConnectionRefusedError", "psycopg": "OperationalError"}[driver]
    assert recorder.run(main()) == [f"main: {ENGINE} shop (15), error({error})"]

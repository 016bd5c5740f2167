"""The MongoDB client and database, as every part of Parley uses them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from pymongo import AsyncMongoClient, ReadPreference
from pymongo.errors import ConfigurationError, InvalidURI, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from parley_core.data.causes import refusal_of
from parley_core.data.command_spans import command_listeners
from parley_core.data.documents import Document, Session
from parley_core.data.events import EventType, Invalidation
from parley_core.data.examination import examine, findings_of_refusal
from parley_core.data.grouped import GroupedWrites
from parley_core.data.handle import Database
from parley_core.data.invalidation import Generations
from parley_core.data.publication import publishing_transaction
from parley_core.data.unrelayed import Unrelayed
from parley_core.errors import StartupError

T = TypeVar("T")


@asynccontextmanager
async def open_client(
    uri: str, *, database: str, timeout_seconds: float | None, pool_size: int, name: str | None = None
) -> AsyncIterator[AsyncMongoClient[Document]]:
    """Connect to a replica set; the client belongs to the event loop that opens it.

    Args:
        uri: the connection string.
        database: the name of the database that the user of the URI has to have rights on.
        timeout_seconds: the time of every operation that has no deadline of its own; None for no limit.
        pool_size: connections at most.
        name: what MongoDB shows as the name of the client; by default `application_name(database)`.

    Raises:
        DatabaseAway: MongoDB can't be reached, or has no primary for now.
        StartupError: it can't be used, and no waiting changes that; `Cause` lists why.
    """
    name = name or application_name(database)
    client = _client(uri, timeout_seconds=timeout_seconds, pool_size=pool_size, name=name)
    try:
        await _check(client, uri, database)
        yield client
    finally:
        await client.close()


def application_name(database: str) -> str:
    """Return what MongoDB shows as the name of an application's connections: a restore looks for them."""
    return f"parley {database}"


def _client(uri: str, *, timeout_seconds: float | None, pool_size: int, name: str) -> AsyncMongoClient[Document]:
    try:
        return AsyncMongoClient(
            uri,
            tz_aware=True,
            w="majority",
            timeoutMS=None if timeout_seconds is None else round(timeout_seconds * 1000),
            serverSelectionTimeoutMS=3000,
            connectTimeoutMS=2000,
            maxPoolSize=pool_size,
            appname=name,
            event_listeners=command_listeners(),
        )
    except (ConfigurationError, InvalidURI, ValueError) as error:
        # The driver's message may repeat the URI's password.
        raise StartupError(
            f"the MongoDB URI is not usable ({type(error).__name__}): check PARLEY_MONGODB_URI"
        ) from None


async def _check(client: AsyncMongoClient[Document], uri: str, database: str) -> None:
    """Raise the refusal that names hosts, causes and what helps, unless there is a primary that lets this user work."""
    try:
        answer = await client.admin.command("hello")
        is_usable = answer["isWritablePrimary"] and "setName" in answer
        await client[database]["events"].find_one({}, {"_id": 1})  # the first command that needs rights
    except OperationFailure as error:
        raise refusal_of(await findings_of_refusal(uri, error, database)) from None
    except PyMongoError:
        is_usable = False
    if not is_usable:
        raise refusal_of(await examine(uri))


def database_of(
    client: AsyncMongoClient[Document],
    name: str,
    *,
    event_types: Mapping[str, EventType],
    recorded: Collection[str],
    invalidations: Mapping[str, Sequence[Invalidation]],
) -> Database:
    """Return the application's handle, with majority reads from the primary: a read sees every acknowledged write.

    Args:
        client: a connected client.
        name: the database.
        event_types: the declared types by name; no other is recorded.
        recorded: the names of the collections that are declared as recorded; in no other is anything recorded.
        invalidations: the rules by the name of the type that they are for.
    """
    database = Database(client, name, read_concern=ReadConcern("majority"), read_preference=ReadPreference.PRIMARY)
    database.event_types, database.recorded, database.kinds = event_types, frozenset(recorded), {}
    database.unrelayed = Unrelayed()
    database.generations, database.grouped = Generations(database, invalidations), GroupedWrites(database)
    return database


async def in_transaction(client: AsyncMongoClient[Document], work: Callable[[Session], Awaitable[T]]) -> T:
    """Run `work` in a transaction, again where it conflicts with another; the request's timeout bounds it."""
    async with publishing_transaction() as transaction, client.start_session() as session:

        async def attempt(session: Session) -> T:
            transaction.written.clear()
            return await work(session)

        return await session.with_transaction(attempt, read_concern=ReadConcern("snapshot"))

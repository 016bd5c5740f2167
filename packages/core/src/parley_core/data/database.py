"""The MongoDB client and database, as every part of Parley uses them."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from pymongo import AsyncMongoClient, ReadPreference
from pymongo.errors import ConfigurationError, ConnectionFailure, InvalidURI, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from parley_core.data.documents import Document, Session
from parley_core.data.events import EventType, Invalidation
from parley_core.data.failures import DatabaseAway
from parley_core.data.handle import Database
from parley_core.data.invalidation import Generations
from parley_core.data.publication import publishing_transaction
from parley_core.data.unrelayed import Unrelayed
from parley_core.errors import StartupError

T = TypeVar("T")
_EXTERNAL = "check PARLEY_MONGODB_URI"


@asynccontextmanager
async def open_client(uri: str, *, timeout_seconds: float, pool_size: int) -> AsyncIterator[AsyncMongoClient[Document]]:
    """Connect to a replica set; the client belongs to the event loop that opens it.

    Args:
        uri: the connection string.
        timeout_seconds: the time of every operation that has no deadline of its own.
        pool_size: connections at most.

    Raises:
        DatabaseAway: MongoDB can't be reached, or has no primary for now.
        StartupError: it refuses the credentials, isn't a replica set, or is a member that takes no writes.
    """
    client = _client(uri, timeout_seconds=timeout_seconds, pool_size=pool_size)
    try:
        await _check_replica_set(client)
        yield client
    finally:
        await client.close()


def _client(uri: str, *, timeout_seconds: float, pool_size: int) -> AsyncMongoClient[Document]:
    try:
        return AsyncMongoClient(
            uri,
            tz_aware=True,
            w="majority",
            timeoutMS=round(timeout_seconds * 1000),
            serverSelectionTimeoutMS=3000,
            connectTimeoutMS=2000,
            maxPoolSize=pool_size,
            appname="parley",
        )
    except (ConfigurationError, InvalidURI, ValueError) as error:
        # The driver's message may repeat the URI's password.
        raise StartupError(f"the MongoDB URI is not usable ({type(error).__name__}): {_EXTERNAL}") from None


async def _check_replica_set(client: AsyncMongoClient[Document]) -> None:
    try:
        answer = await client.admin.command("hello")
        await client.admin.command("ping")
    except OperationFailure as error:
        raise StartupError(f"MongoDB refused the connection (code {error.code}): {_EXTERNAL}") from error
    except PyMongoError as error:
        kind = DatabaseAway if isinstance(error, ConnectionFailure) or error.timeout else StartupError
        raise kind(f"MongoDB can't be reached ({type(error).__name__}): {_EXTERNAL}") from error
    check_answer(answer)


def check_answer(answer: Document) -> None:
    """Check what a server says of itself in answer to `hello`.

    Raises:
        DatabaseAway: it takes no writes for now; one that has just started doesn't know its replica set yet.
        StartupError: it never will.
    """
    if answer["isWritablePrimary"] and "setName" in answer:
        return
    if "setName" not in answer and not answer.get("isreplicaset"):
        raise StartupError(
            "MongoDB is a standalone server, but Parley needs a replica set (one member is enough): "
            "start mongod with --replSet and run rs.initiate()"
        )
    if "setName" not in answer:
        raise DatabaseAway("MongoDB takes no writes, since the replica set is not initiated: run rs.initiate()")
    if "primary" not in answer:
        raise DatabaseAway("MongoDB takes no writes, since the replica set has no primary now")
    raise StartupError(
        "MongoDB takes no writes here, since this member is not the primary: "
        "name the whole replica set in PARLEY_MONGODB_URI, without directConnection"
    )


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
    database.generations = Generations(database, invalidations)
    return database


async def in_transaction(client: AsyncMongoClient[Document], work: Callable[[Session], Awaitable[T]]) -> T:
    """Run `work` in a transaction, again where it conflicts with another; the request's timeout bounds it."""
    async with publishing_transaction() as transaction, client.start_session() as session:

        async def attempt(session: Session) -> T:
            transaction.written.clear()
            return await work(session)

        return await session.with_transaction(attempt, read_concern=ReadConcern("snapshot"))

"""The MongoDB client, as every part of Parley uses it, and what its failures mean."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from pymongo import AsyncMongoClient, ReadPreference
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConfigurationError, ConnectionFailure, InvalidURI, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from parley_core.data.generations import RecordedDatabase
from parley_core.data.invalidation import outdating_transaction
from parley_core.data.recorded import Document
from parley_core.errors import StartupError
from parley_core.kernel.settings import CoreSettings

T = TypeVar("T")
Database = AsyncDatabase[Document]
Session = AsyncClientSession
_EXTERNAL = "check PARLEY_MONGODB_URI"


@asynccontextmanager
async def open_client(uri: str, settings: CoreSettings) -> AsyncIterator[AsyncMongoClient[Document]]:
    """A connected client of a replica set; it belongs to the event loop that opens it.

    Raises:
        StartupError: MongoDB can't be reached, refuses the credentials, isn't a replica set or takes no writes.
    """
    client = _client(uri, settings)
    try:
        await _prove_replica_set(client)
        yield client
    finally:
        await client.close()


def _client(uri: str, settings: CoreSettings) -> AsyncMongoClient[Document]:
    try:
        return AsyncMongoClient(
            uri,
            tz_aware=True,
            w="majority",
            timeoutMS=round(settings.request_timeout_seconds * 1000),
            serverSelectionTimeoutMS=3000,
            connectTimeoutMS=2000,
            maxPoolSize=settings.mongodb_pool_size,
            appname="parley",
        )
    except (ConfigurationError, InvalidURI, ValueError) as error:
        # The driver's message may repeat the URI's password.
        raise StartupError(f"the MongoDB URI is not usable ({type(error).__name__}): {_EXTERNAL}") from None


async def _prove_replica_set(client: AsyncMongoClient[Document]) -> None:
    try:
        answer = await client.admin.command("hello")
        await client.admin.command("ping")
    except OperationFailure as error:
        raise StartupError(f"MongoDB refused the connection (code {error.code}): {_EXTERNAL}") from error
    except PyMongoError as error:
        raise StartupError(f"MongoDB can't be reached ({type(error).__name__}): {_EXTERNAL}") from error
    if "setName" not in answer:
        raise StartupError(
            "MongoDB is a standalone server, but Parley needs a replica set (one member is enough): "
            "start mongod with --replSet and run rs.initiate()"
        )
    if not answer["isWritablePrimary"]:
        raise StartupError(
            "MongoDB takes no writes here, since this member is not the primary: "
            "name the whole replica set in PARLEY_MONGODB_URI, without directConnection"
        )


def database_of(client: AsyncMongoClient[Document], name: str) -> RecordedDatabase:
    """The database with majority reads from the primary, so that a read sees every acknowledged write."""
    return RecordedDatabase(client, name, read_concern=ReadConcern("majority"), read_preference=ReadPreference.PRIMARY)


async def in_transaction(client: AsyncMongoClient[Document], work: Callable[[Session], Awaitable[T]]) -> T:
    """Runs `work` in a transaction, again where it conflicts with another; bounded by the request's timeout."""
    async with outdating_transaction(), client.start_session() as session:
        return await session.with_transaction(work, read_concern=ReadConcern("snapshot"))


def is_unavailable(error: PyMongoError) -> bool:
    """Whether the error means that MongoDB didn't answer in time, rather than that it refused."""
    return isinstance(error, ConnectionFailure) or error.timeout

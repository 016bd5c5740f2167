"""The replica set of one server: set up once, and put right when the data directory has moved."""

import time
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from parley_core.embedded.address import Address

NAME = "parley"
_Client = MongoClient[dict[str, Any]]


def become_primary(address: Address, *, deadline: float) -> None:
    """Return when the server at the address is the primary of a replica set of its own.

    Args:
        address: where it listens.
        deadline: a reading of `time.monotonic()`.

    Raises:
        TimeoutError: it isn't primary by then.
        PyMongoError: it ended, or refused.
    """
    with _client(address.uri, timeout_ms=30_000) as client:
        _configure(client, address.host)
        hello = client.admin.command("hello")
        while not hello["isWritablePrimary"]:
            if time.monotonic() > deadline:
                raise TimeoutError("it did not become the primary of its replica set in time")
            # Answered as soon as the server's state changes.
            hello = client.admin.command("hello", topologyVersion=hello["topologyVersion"], maxAwaitTimeMS=500)


def is_primary(uri: str) -> bool:
    """Return whether a server there takes writes now."""
    with _client(uri, timeout_ms=2_000) as client:
        try:
            return bool(client.admin.command("hello")["isWritablePrimary"])
        except PyMongoError:
            return False


def _client(uri: str, *, timeout_ms: int) -> _Client:
    return MongoClient(uri, serverSelectionTimeoutMS=2_000, timeoutMS=timeout_ms, appname="parley-embedded")


def _configure(client: _Client, host: str) -> None:
    stored = client.local["system.replset"].find_one()
    if stored is None:
        client.admin.command("replSetInitiate", {"_id": NAME, "members": [{"_id": 0, "host": host}]})
    elif [member["host"] for member in stored["members"]] != [host]:
        # The server doesn't find itself in its configuration, so only force changes it.
        moved = {**stored, "version": stored["version"] + 1, "members": [{**stored["members"][0], "host": host}]}
        client.admin.command("replSetReconfig", moved, force=True)

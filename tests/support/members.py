"""A replica set of three members on this machine, of which each can be killed and comes back."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import AutoReconnect, OperationFailure

from parley_app.testing import eventually
from parley_core.embedded import find_mongod
from parley_core.embedded.process import MongodProcess, launch

_NAME = "members"
# ExceededTimeLimit.
_NOBODY_HAS_CAUGHT_UP = 262
_OPTIONS = (
    *("--replSet", _NAME, "--bind_ip", "127.0.0.1", "--nounixsocket", "--oplogSize", "50", "--quiet"),
    *("--wiredTigerCacheSizeGB", "0.25", "--setParameter", "transactionLifetimeLimitSeconds=4"),
    *("--setParameter", "diagnosticDataCollectionEnabled=false"),
)


def _free_ports(count: int) -> list[int]:
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class ReplicaSet:
    """Members by their port, once `initiate` has returned."""

    def __init__(self, folder: Path) -> None:
        self._processes = {port: self._launched(folder / str(port), port) for port in _free_ports(3)}
        hosts = ",".join(f"127.0.0.1:{port}" for port in self._processes)
        self.uri = f"mongodb://{hosts}/?replicaSet={_NAME}"

    def _launched(self, folder: Path, port: int) -> MongodProcess:
        folder.mkdir()
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            command = [str(find_mongod()), "--dbpath", str(folder), "--port", str(port), *_OPTIONS]
            return launch(command, log=folder.with_suffix(".log"), bond=None, inherited=descriptor)
        finally:
            os.close(descriptor)

    def initiate(self) -> None:
        """Make a set of them that elects a new primary after 2 s; return when it takes writes."""
        members = [{"_id": number, "host": f"127.0.0.1:{port}"} for number, port in enumerate(self._processes)]
        times = {"electionTimeoutMillis": 2000, "heartbeatIntervalMillis": 500}
        for port in self._processes:
            eventually(partial(self._answers, port))
        with self._client(next(iter(self._processes))) as client:
            client.admin.command("replSetInitiate", {"_id": _NAME, "members": members, "settings": times})
        eventually(lambda: self.primary() is not None)

    def primary(self) -> int | None:
        """Return the port of the member that takes writes now."""
        return next((port for port in self._processes if self._is_primary(port)), None)

    def step_down(self) -> None:
        """Have the primary give way to another member, once one of them has caught up."""
        eventually(self._has_stepped_down)

    def _has_stepped_down(self) -> bool:
        with self._client(self._known_primary()) as client:
            try:
                client.admin.command("replSetStepDown", 10, secondaryCatchUpPeriodSecs=5)
            except OperationFailure as error:
                if error.code != _NOBODY_HAS_CAUGHT_UP:
                    raise
                return False
        return True

    def kill_primary(self) -> None:
        """End the primary where it stands, and start it again once another member is primary."""
        process = self._processes[self._known_primary()]
        os.kill(process.pid, signal.SIGKILL)
        eventually(lambda: process.poll() is not None)
        eventually(lambda: self.primary() is not None)
        process.start_again()

    def wait_until_whole(self) -> None:
        """Return when there is a primary and all others follow it."""
        eventually(lambda: self._states() == [1, 2, 2])

    def stop(self) -> None:
        """End all."""
        for process in self._processes.values():
            process.stop()

    def _states(self) -> list[int]:
        if (port := self.primary()) is None:
            return []
        with self._client(port) as client:
            return sorted(member["state"] for member in client.admin.command("replSetGetStatus")["members"])

    def _known_primary(self) -> int:
        port = self.primary()
        assert port
        return port

    def _is_primary(self, port: int) -> bool:
        return bool(self._hello(port).get("isWritablePrimary"))

    def _answers(self, port: int) -> bool:
        return bool(self._hello(port))

    def _hello(self, port: int) -> dict[str, Any]:
        """Return what a member says of itself; nothing while it is away."""
        with self._client(port) as client:
            try:
                return client.admin.command("hello")
            except AutoReconnect:
                return {}

    @staticmethod
    def _client(port: int) -> MongoClient[dict[str, Any]]:
        return MongoClient("127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=2000)


@contextmanager
def running_members(folder: Path) -> Iterator[ReplicaSet]:
    """Run a replica set in a folder."""
    members = ReplicaSet(folder)
    try:
        members.initiate()
        yield members
    finally:
        members.stop()

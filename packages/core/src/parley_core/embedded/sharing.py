"""A server for a while: the one that runs already, or one that is started for it."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from parley_core.embedded.address import Address
from parley_core.embedded.lock import DataDirectoryInUse, is_locked, try_lock
from parley_core.embedded.paths import DataDirectory, locate, make_private, usable
from parley_core.embedded.record import Record
from parley_core.embedded.replica_set import is_primary
from parley_core.embedded.server import Announce, EmbeddedMongoDB, log_announcement

_SECONDS_FOR_ANOTHER_TO_START = 30.0
_SECONDS_FOR_OTHERS_TO_FINISH = 60.0


def running_uri(data_dir: Path) -> str | None:
    """Return the URI of the server that runs on this data directory now and takes writes, else None."""
    place = locate(data_dir)
    with usable(place):
        if not _is_prepared(place) or not is_locked(place.lock):
            return None
        record = Record.read(place.record)
    if record is None or record.host is None:
        return None
    address = Address(record.host)
    return address.uri if address.accepts() and is_primary(address.uri) else None


@contextmanager
def embedded_mongodb(
    data_dir: Path, *, mongod: Path | None = None, announce: Announce = log_announcement
) -> Iterator[str]:
    """Return the URI of the data directory's running server, or of one that runs for the time of the block.

    A server that was started here waits up to a minute for others who use it through this function. One that its
    owner stops with `stop()` ends for all of them.

    Raises:
        StartupError: there is no server and none can be started.
    """
    with ExitStack() as ending:
        yield _uri_for_a_while(locate(data_dir), mongod, announce, ending)


def _uri_for_a_while(place: DataDirectory, mongod: Path | None, announce: Announce, ending: ExitStack) -> str:
    deadline = time.monotonic() + _SECONDS_FOR_ANOTHER_TO_START
    while True:
        if uri := _join(place, ending):
            return uri
        try:
            return _own(place, mongod, announce, ending)
        except DataDirectoryInUse:
            # The process that was faster will soon have a server to join, or be gone.
            if time.monotonic() > deadline:
                raise


def _join(place: DataDirectory, ending: ExitStack) -> str | None:
    """Return the running server's URI; until the end of the block its owner sees that it is in use."""
    with usable(place), ExitStack() as seat:
        if not _is_prepared(place) or (descriptor := try_lock(place.users, shared=True)) is None:
            return None
        seat.callback(os.close, descriptor)
        uri = _kept_uri(place) or running_uri(place.path)
        if uri:
            ending.push(seat.pop_all())
        return uri


def _is_prepared(place: DataDirectory) -> bool:
    """Return whether a server may run here; what isn't this user's alone is refused, lest others name one of theirs."""
    if not place.lock.exists():
        return False
    make_private(place.home)
    return True


def _kept_uri(place: DataDirectory) -> str | None:
    """Return the URI of a server that is there or will soon be again: whoever uses it waits for it."""
    record = Record.read(place.record) if is_locked(place.lock) else None
    if record is None or record.host is None or not (record.is_kept and record.owner_lives):
        return None
    return Address(record.host).uri


def _own(place: DataDirectory, mongod: Path | None, announce: Announce, ending: ExitStack) -> str:
    gate = ExitStack()
    server = EmbeddedMongoDB.start(place.path, mongod=mongod, announce=announce)
    ending.push(gate)
    ending.push(server)
    ending.callback(_await_others, place, announce, gate)
    return server.uri


def _await_others(place: DataDirectory, announce: Announce, gate: ExitStack) -> None:
    """Wait until no other process uses the server, and let none in until the gate opens."""
    deadline = time.monotonic() + _SECONDS_FOR_OTHERS_TO_FINISH
    descriptor = try_lock(place.users)
    if descriptor is None:
        announce(f"Waiting for others who use the database in {place.path}.")
    while descriptor is None and time.monotonic() < deadline:
        time.sleep(0.05)
        descriptor = try_lock(place.users)
    if descriptor is not None:
        gate.callback(os.close, descriptor)

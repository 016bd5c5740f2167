"""The embedded MongoDB server of a data directory."""

import logging
import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from pymongo.errors import PyMongoError

from parley_core.embedded.address import Address, listening_address, remove_socket
from parley_core.embedded.binary import find_mongod
from parley_core.embedded.lock import claim
from parley_core.embedded.log import begin_log, ending_of, one_line, reason_of_end, reason_of_failure
from parley_core.embedded.paths import DataDirectory, locate, prepare, usable
from parley_core.embedded.process import Bond, MongodProcess, launch
from parley_core.embedded.record import Record
from parley_core.embedded.replica_set import NAME as REPLICA_SET
from parley_core.embedded.replica_set import become_primary
from parley_core.errors import StartupError
from parley_core.log_lines import announcer

Announce = Callable[[str], None]
_START_SECONDS = 120
_OPTIONS = (
    *("--replSet", REPLICA_SET),
    # A new directory takes 17 MB with these two instead of 300 MB.
    *("--oplogSize", "50"),
    *("--wiredTigerEngineConfigString", "log=(file_max=16MB,prealloc=false)"),
    *("--wiredTigerCacheSizeGB", "0.25"),
    # A transaction whose client was killed blocks other writers of its documents for as long as this.
    *("--setParameter", "transactionLifetimeLimitSeconds=4"),
    # Diagnostics for MongoDB's support would fill up to 200 MB.
    *("--setParameter", "diagnosticDataCollectionEnabled=false"),
    "--quiet",
)
WHAT_TO_DO = "repair that, or set PARLEY_MONGOD to another mongod, or PARLEY_MONGODB_URI to a running replica set"
log_announcement: Announce = announcer(logging.getLogger("parley.embedded"), logging.INFO, "embedded_step")


class EmbeddedMongoDB:
    """A running server. It ends with `stop()`, with the context manager, or with this process however that ends."""

    def __init__(
        self, place: DataDirectory, address: Address, process: MongodProcess, ending: ExitStack, *, is_kept: bool
    ) -> None:
        self.uri = address.uri
        self.data_dir = place.path
        self._place = place
        self._address = address
        self._process = process
        self._ending = ending
        self._is_kept = is_kept

    @property
    def pid(self) -> int:
        """The process id of mongod, another one after each start."""
        return self._process.pid

    @classmethod
    def start(
        cls,
        data_dir: Path,
        *,
        mongod: Path | None = None,
        announce: Announce = log_announcement,
        bond: Bond | None = None,
        is_kept: bool = False,
    ) -> Self:
        """Start a server on the data directory and return when it is primary and takes writes.

        Args:
            data_dir: where the data is kept; created, private to this user, if it isn't there.
            mongod: the binary to run; unset looks for one (`find_mongod`).
            announce: given a sentence before a step that takes long.
            bond: what ends the server if this process is killed; unset takes what fits platform and thread.
            is_kept: the caller has it started again if it ends (`Keeper`), so that others wait for it meanwhile.

        Raises:
            DataDirectoryInUse: a server runs on this data directory.
            StartupError: there is no binary, the directory can't be used, or mongod doesn't start.
        """
        binary = find_mongod(mongod)
        place = locate(data_dir)
        with ExitStack() as ending:
            lock, address = _take(place, ending)
            _announce_long_step(place, announce)
            command = [str(binary), "--dbpath", str(place.files), *address.options, *_OPTIONS]
            process = launch(command, log=place.log, bond=bond, inherited=lock)
            ending.callback(process.stop)
            _put_on_record(place, process)
            _bring_up(process, address, place)
            _put_on_record(place, process, address.host, is_kept=is_kept)
            return cls(place, address, process, ending.pop_all(), is_kept=is_kept)

    def poll(self) -> int | None:
        """Return the server's exit code once it has ended, in whatever way (negative: by that signal), else None."""
        return self._process.poll()

    def start_again(self) -> None:
        """Start the server that has ended, at the same address; return before it takes connections.

        Raises:
            StartupError: the data directory can't be used.
        """
        with usable(self._place):
            begin_log(self._place.log)
            self._process.start_again()
        _put_on_record(self._place, self._process, self._address.host, is_kept=self._is_kept)

    def how_it_ended(self) -> str | None:
        """Return why the server has ended, by its log or else by its exit code; None while it runs."""
        code = self._process.poll()
        return None if code is None else f"{reason_of_end(code, self._place.log)} (log: {self._place.log})"

    def stop(self) -> None:
        """Shut the server down and free the data directory; kill it after 10 s. A second call does nothing."""
        self._ending.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


def _take(place: DataDirectory, ending: ExitStack) -> tuple[int, Address]:
    """Lock the data directory for this process; return the descriptor of its lock, and where to listen."""
    with usable(place):
        prepare(place)
        lock = claim(place)
        ending.callback(os.close, lock)
        ending.callback(place.record.unlink, missing_ok=True)
        address = listening_address(place)
        ending.callback(remove_socket, place, address)
        begin_log(place.log)
        return lock, address


def _announce_long_step(place: DataDirectory, announce: Announce) -> None:
    if place.is_new:
        announce(f"Setting up a new database in {place.path}.")
    elif place.crashed:
        announce(f"The database in {place.path} was not shut down properly; it is being recovered.")


def _put_on_record(
    place: DataDirectory, process: MongodProcess, host: str | None = None, *, is_kept: bool = False
) -> None:
    with usable(place):
        Record(os.getpid(), process.pid, host, is_kept).write(place.record)


def _bring_up(process: MongodProcess, address: Address, place: DataDirectory) -> None:
    deadline = time.monotonic() + _START_SECONDS
    try:
        _await_connections(process, address, deadline)
        become_primary(address, deadline=deadline)
    except (ChildProcessError, PyMongoError, TimeoutError) as error:
        code = process.poll()
        # The log is complete once the server is gone.
        process.stop()
        reason = one_line(str(error)) if code is None else ending_of(code)
        reason = reason_of_failure(place.log) or reason
        raise StartupError(f"the embedded MongoDB did not start: {reason} (log: {place.log}); {WHAT_TO_DO}") from error


def _await_connections(process: MongodProcess, address: Address, deadline: float) -> None:
    while not address.accepts():
        if process.poll() is not None:
            raise ChildProcessError
        if time.monotonic() > deadline:
            raise TimeoutError("it did not take connections in time")
        time.sleep(0.01)

"""The parent of several workers: it reports when all are ready, replaces those that die, and stops all at the end."""

import logging
import multiprocessing
import os
import signal
import socket
import time
from multiprocessing.connection import wait

from parley_app.hangup import on_hangup
from parley_app.place import Place
from parley_app.server import Action, Watch
from parley_app.worker import Worker
from parley_core import StartupError
from parley_core.log_lines import LogLine

_TURN_SECONDS = 0.2
# A worker imports everything first, which takes long on a busy machine.
_START_SECONDS = 60
# More than the time that a worker gives to its running requests.
_STOP_SECONDS = 15
_log = logging.getLogger("parley.app")


def _quieten_tracker() -> None:
    """Keep Python's resource tracker from writing beside the log where this process was killed.

    It is a process of its own, which removes the semaphores that are left, and would say so.
    """
    chosen = os.environ.get("PYTHONWARNINGS")
    ours = "ignore:resource_tracker:UserWarning"
    os.environ["PYTHONWARNINGS"] = f"{chosen},{ours}" if chosen else ours


class Supervisor:
    """Serves in `count` worker processes.

    Args:
        count: how many.
        listener: as that of `server.serve`, and so are the others.
        on_ready: called once all workers answer requests.
        watch: called several times a second.
        wait_seconds: how long the first workers wait for MongoDB.
        drain_seconds: how long the workers still answer, without being ready, after a signal to stop.
    """

    def __init__(
        self,
        count: int,
        listener: socket.socket,
        *,
        on_ready: Action,
        watch: Watch,
        wait_seconds: float,
        drain_seconds: float,
    ) -> None:
        self._listener = listener
        self._wait_seconds = wait_seconds
        self._on_ready = on_ready
        self._watch = watch
        self._count = count
        self._drain_seconds = drain_seconds
        _quieten_tracker()
        self._draining = multiprocessing.get_context("spawn").Event()
        self._places: list[Place] = []
        self._has_been_ready = False
        self._is_renewal_due = False

    def run(self) -> None:
        """Serve until a signal's handler raises SystemExit.

        SIGHUP replaces the workers one by one, unless it comes because the terminal was closed.

        Raises:
            StartupError: a worker ended by itself before it was ready and none was ready, or `watch` returned an error.
        """
        on_hangup(self._request_renewal)
        try:
            for _ in range(self._count):
                self._places.append(Place(self._start))
            while not all(place.is_ready for place in self._places):
                self._turn()
            self._has_been_ready = True
            self._on_ready()
            while True:
                self._turn()
                if self._is_renewal_due:
                    self._renew()
        except SystemExit:
            self._drain()
            raise
        finally:
            ignore_stop_signals()
            # A client that connects to the port of a stopping server has to learn at once that nobody will answer.
            self._listener.close()
            _stop(*(place.worker for place in self._places))

    def _drain(self) -> None:
        """Let the workers answer for a while, so that whoever asks for their readiness learns of the stop."""
        self._draining.set()
        deadline = time.monotonic() + (self._drain_seconds if self._has_been_ready else 0)
        while time.monotonic() < deadline:
            self._turn()

    def _request_renewal(self) -> None:
        self._is_renewal_due = True

    def _start(self) -> Worker:
        """Start a worker; once all have been ready, a new one waits for MongoDB without end."""
        wait_seconds = None if self._has_been_ready else self._wait_seconds
        is_quiet = not self._has_been_ready and len(self._places) > 0
        worker = Worker(self._listener, wait_seconds=wait_seconds, is_quiet=is_quiet, draining=self._draining)
        worker.start()
        return worker

    def _turn(self) -> None:
        """Wait a moment, or until a worker ends, and replace the dead."""
        wait([place.worker.sentinel for place in self._places if place.worker.is_alive()], _TURN_SECONDS)
        if failure := self._watch():
            raise failure
        for place in self._places:
            if dead := place.look():
                self._check_death(dead)

    def _check_death(self, worker: Worker) -> None:
        """Go on after a worker's death as long as another one serves, whatever ended it."""
        # A negative code is a signal from outside, which may also end a worker that is starting.
        could_not_start = not worker.ready.is_set() and (worker.exitcode or 0) >= 0
        if could_not_start and not (self._has_been_ready and any(place.is_ready for place in self._places)):
            raise StartupError("a worker could not start; the reason is printed above")

    def _renew(self) -> None:
        """Replace each worker by one that is ready; keep the remaining ones if a new one fails."""
        self._is_renewal_due = False
        for number in range(self._count):
            new = Place(self._start)
            if not self._becomes_ready(new.worker):
                _stop(new.worker)
                text = "a new worker did not start: the remaining workers were not replaced"
                _log.error(LogLine("renewal_failed", text))
                return
            old, self._places[number] = self._places[number], new
            _stop(old.worker)

    def _becomes_ready(self, worker: Worker) -> bool:
        deadline = time.monotonic() + _START_SECONDS
        while not worker.ready.is_set() and worker.is_alive() and time.monotonic() < deadline:
            self._turn()
        return worker.ready.is_set()


def ignore_stop_signals() -> None:
    """Ignore a second Ctrl-C, so that it doesn't interrupt the closing."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _stop(*workers: Worker) -> None:
    """Ask workers to stop, wait for all of them, and kill those that don't."""
    for worker in workers:
        worker.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for worker in workers:
        worker.join(max(0, deadline - time.monotonic()))
        worker.kill()
        worker.join()

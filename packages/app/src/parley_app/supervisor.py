"""The parent of several workers: it reports when all are ready, replaces those that die, and stops all at the end."""

import logging
import signal
import socket
import time
from multiprocessing.connection import wait

from parley_app.server import Action, Watch
from parley_app.worker import Worker
from parley_core import StartupError

_TURN_SECONDS = 0.2
# A worker imports everything first, which takes long on a busy machine.
_START_SECONDS = 15
# More than the time that a worker gives to its running requests.
_STOP_SECONDS = 15


class Supervisor:
    """Serves in `count` worker processes; the other arguments are those of `server.serve`."""

    def __init__(self, count: int, listener: socket.socket, *, on_ready: Action, watch: Watch) -> None:
        self._count = count
        self._listener = listener
        self._on_ready = on_ready
        self._watch = watch
        self._workers: list[Worker] = []
        self._is_renewal_due = False

    def run(self) -> None:
        """Serve until a signal's handler raises SystemExit. SIGHUP replaces the workers one by one.

        Raises:
            StartupError: a worker ended by itself before it was ready, or `watch` returned an error.
        """
        if hangup := getattr(signal, "SIGHUP", None):
            signal.signal(hangup, self._request_renewal)
        try:
            self._workers = [self._start() for _ in range(self._count)]
            while not all(worker.ready.is_set() for worker in self._workers):
                self._turn()
            self._on_ready()
            while True:
                self._turn()
                if self._is_renewal_due:
                    self._renew()
        finally:
            ignore_stop_signals()
            _stop(*self._workers)

    def _request_renewal(self, *_: object) -> None:
        self._is_renewal_due = True

    def _start(self) -> Worker:
        worker = Worker(self._listener)
        worker.start()
        return worker

    def _turn(self) -> None:
        """Wait a moment, or until a worker ends, and replace the dead."""
        wait([worker.sentinel for worker in self._workers], _TURN_SECONDS)
        if failure := self._watch():
            raise failure
        for place, worker in enumerate(self._workers):
            if worker.is_alive():
                continue
            # A negative code is a signal from outside, which may also end a worker that is starting.
            if not worker.ready.is_set() and (worker.exitcode or 0) >= 0:
                raise StartupError("a worker could not start; the reason is printed above")
            self._workers[place] = self._start()

    def _renew(self) -> None:
        """Replace each worker by one that is ready; keep the remaining ones if a new one fails."""
        self._is_renewal_due = False
        for place, old in enumerate(self._workers):
            new = self._start()
            if not new.ready.wait(_START_SECONDS):
                _stop(new)
                logging.getLogger("parley.app").error(
                    "a new worker did not start: the remaining workers were not replaced"
                )
                return
            self._workers[place] = new
            _stop(old)


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

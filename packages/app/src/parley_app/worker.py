"""A worker process of `parley serve --workers`: its application, and its end together with its parent."""

import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
from multiprocessing.context import SpawnProcess
from multiprocessing.process import BaseProcess

from parley_app import logs, server
from parley_app.application import create_app
from parley_app.draining import Draining, Flag
from parley_app.messages import announce, complain
from parley_app.telemetry import export
from parley_core import StartupError
from parley_core.embedded import die_with


class Worker(SpawnProcess):
    """A process that serves on the socket until SIGTERM; `ready` is set once it answers every request.

    Args:
        listener: the socket.
        wait_seconds: how long it waits for MongoDB, while it answers 503; None without end.
        is_quiet: it doesn't log that it waits, since another worker does.
        draining: set by the parent once it is about to stop all workers.
    """

    def __init__(
        self,
        listener: socket.socket,
        *,
        wait_seconds: float | None = None,
        is_quiet: bool = False,
        draining: Flag | None = None,
    ) -> None:
        # Python ends daemons when the parent exits.
        super().__init__(daemon=True)
        self.ready = multiprocessing.get_context("spawn").Event()
        self._listener = listener
        self._wait_seconds = wait_seconds
        self._is_quiet = is_quiet
        self._draining = draining

    def run(self) -> None:
        """Serve, in the new process.

        Raises:
            SystemExit: the application can't start or ended with an error; the reason is on standard error.
        """
        end_with_parent()
        # A terminal sends these to all its processes; a worker stops when its parent sends SIGTERM.
        for name in ("SIGINT", "SIGHUP"):
            if number := getattr(signal, name, None):
                signal.signal(number, signal.SIG_IGN)
        logs.configure()
        # The parent has already logged warnings about settings.
        logging.getLogger("parley.settings").setLevel(logging.ERROR)
        if self._is_quiet:
            logging.getLogger("parley.start").setLevel(logging.ERROR)
        try:
            on_stop = export()
            app = create_app(announce=announce)
            draining = Draining(self._draining)
            server.serve(
                app,
                self._listener,
                on_ready=self.ready.set,
                wait_seconds=self._wait_seconds,
                on_stop=on_stop,
                draining=draining,
            )
        except StartupError as error:
            complain(error)
            raise SystemExit(1) from None
        except Exception as error:  # noqa: BLE001 - logged; otherwise its traceback would stand beside the log
            logs.log_crash(error)
            raise SystemExit(1) from None


def end_with_parent(*, by_kernel: bool = sys.platform == "linux") -> None:
    """End this process when the process that started it ends, for whatever reason.

    A worker without its parent would keep the port and start its own MongoDB.

    Args:
        by_kernel: whether the kernel does it, which also ends a worker that is frozen; otherwise a thread does.
    """
    parent = multiprocessing.parent_process()
    if parent is None or parent.pid is None:
        raise RuntimeError("a worker is started by `parley serve`")
    if by_kernel:
        die_with(parent.pid)
    else:
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)

"""A worker process of `parley serve --workers`: its application, and its end together with its parent."""

import logging
import multiprocessing
import os
import sys
import threading
from multiprocessing.process import BaseProcess

from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE

from parley_app import application
from parley_app.messages import announce, complain
from parley_app.servers import hand_over_failed_start
from parley_core import StartupError
from parley_core.embedded.launcher import die_with


def create_app() -> FastAPI:
    """The application of one worker, made in the worker's main thread.

    Raises:
        SystemExit: it can't be composed; the reason is one line on standard error.
    """
    end_with_parent()
    # The parent has said what is odd about the settings.
    logging.getLogger("parley.settings").setLevel(logging.ERROR)
    try:
        app = application.create_app(announce=announce)
    except StartupError as error:
        complain(error)
        # Any other code would have the supervisor try again for ever.
        raise SystemExit(STARTUP_FAILURE) from None
    hand_over_failed_start(app, complain)
    return app


def end_with_parent(*, by_kernel: bool = sys.platform == "linux") -> None:
    """Sees to it that this process doesn't outlive the one that started it, however that ends.

    A worker without its parent would hold the port, and start a MongoDB of its own when it looks for one.
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

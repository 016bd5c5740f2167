"""SIGHUP: the terminal was closed, or an operator asks for new workers."""

import os
import signal
from collections.abc import Callable

_TERMINAL = "/dev/tty"


def on_hangup(renew: Callable[[], None]) -> None:
    """Stop when the terminal is closed, as at SIGTERM; call `renew` when anybody else sends SIGHUP.

    Under nohup the signal is ignored, and stays so. Windows has no such signal.
    """
    number = getattr(signal, "SIGHUP", None)
    if number is None or signal.getsignal(number) is signal.SIG_IGN:
        return
    had_terminal = _has_terminal()

    def handle(*_: object) -> None:
        if had_terminal and not _has_terminal():
            signal.raise_signal(signal.SIGTERM)
        else:
            renew()

    signal.signal(number, handle)


def _has_terminal() -> bool:
    """Return whether this process belongs to a terminal: the kernel takes a closed one from all its processes."""
    try:
        os.close(os.open(_TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True

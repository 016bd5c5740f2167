"""Ties its own life to its owner's, then becomes mongod. Run by its path, on the standard library alone.

Done here and not between fork and exec, where Python code can deadlock on a lock of another thread.
"""

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with(owner: int) -> None:
    """Ask Linux to kill this process when the thread that started it ends; exec keeps that."""
    import ctypes  # noqa: PLC0415 - the guardian's way does without

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != owner:
        raise SystemExit("the process that started this one has died")


def report_to(guardian: int) -> None:
    """Send the guardian at the other end of a pipe the process id to kill."""
    os.write(guardian, b"%d\n" % os.getpid())
    os.close(guardian)


def main(bond: str, number: str, *command: str) -> None:
    """Become mongod; `bond` is `owner` with a process id or `guardian` with a file descriptor."""
    {"owner": die_with, "guardian": report_to}[bond](int(number))
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(*sys.argv[1:])

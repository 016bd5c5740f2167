"""mongod as a child process that doesn't outlive its owner."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Any

from parley_core.embedded.guardian import STAND_DOWN

_GUARDIAN, _LAUNCHER = (str(Path(__file__).with_name(name)) for name in ("guardian.py", "launcher.py"))
_SHUTDOWN_SECONDS = 10
_KILL_SECONDS = 5
# Ctrl-C in the terminal is for the application, which closes its database last.
_APART_FROM_THE_TERMINAL: dict[str, Any] = {"start_new_session": True}
if sys.platform == "win32":
    _APART_FROM_THE_TERMINAL = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}


class Bond(Enum):
    """What ends mongod when its owner is killed."""

    KERNEL = "kernel"
    """Linux sends the signal. It does so when the thread that started mongod ends, so that must be the main thread."""
    GUARDIAN = "guardian"
    """A small process sees that the owner's end of a pipe is closed."""

    @classmethod
    def fitting(cls) -> "Bond":
        in_main_thread = threading.current_thread() is threading.main_thread()
        return cls.KERNEL if sys.platform == "linux" and in_main_thread else cls.GUARDIAN


class Guardian:
    """The guardian, seen from the owner."""

    def __init__(self) -> None:
        self._process = _start(_python(_GUARDIAN), stdin=subprocess.PIPE, text=True)
        assert self._process.stdin is not None  # noqa: S101 - as asked for above
        self._pipe = self._process.stdin

    @property
    def descriptor(self) -> int:
        return self._pipe.fileno()

    def watch(self, pid: int) -> None:
        self._pipe.write(f"{pid}\n")
        self._pipe.flush()

    def dismiss(self) -> None:
        """End the guardian, which then leaves mongod alone. A second call does nothing."""
        if self._pipe.closed:
            return
        with suppress(BrokenPipeError):  # the guardian has been killed
            self._pipe.write(STAND_DOWN)
            self._pipe.close()
        self._process.wait(_KILL_SECONDS)


class MongodProcess:
    """A running mongod, to be used by one thread at a time.

    Args:
        start: starts it, and what watches it.
    """

    def __init__(self, start: Callable[[], "tuple[subprocess.Popen[bytes], Guardian | None]"]) -> None:
        self._start = start
        self._process, self._guardian = start()

    @property
    def pid(self) -> int:
        """Its process id, another one after each start."""
        return self._process.pid

    def start_again(self) -> None:
        """Start it with the same arguments, once it has ended."""
        self._process, self._guardian = self._start()

    def poll(self) -> int | None:
        """Return the exit code if mongod has ended (negative: the signal that ended it), else None."""
        code = self._process.poll()
        if code is not None and self._guardian:
            self._guardian.dismiss()
        return code

    def stop(self) -> None:
        """Shut mongod down, or kill it if that takes too long; return when it is gone."""
        if self.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_SHUTDOWN_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(_KILL_SECONDS)
            self.poll()


def launch(command: Sequence[str], *, log: Path, bond: Bond | None, inherited: int) -> MongodProcess:
    """Start mongod with its output in `log`.

    Args:
        command: the binary's absolute path and its arguments.
        log: the file for what mongod, or whatever fails before it, writes.
        bond: what ends mongod when this process is killed; None for what fits the thread of each start.
        inherited: a file descriptor that stays open as long as mongod lives.
    """
    return MongodProcess(partial(_launch, command, log, bond, inherited))


def _launch(
    command: Sequence[str], log: Path, bond: Bond | None, inherited: int
) -> "tuple[subprocess.Popen[bytes], Guardian | None]":
    with ExitStack() as on_failure, log.open("ab") as output:
        guardian = Guardian() if (bond or Bond.fitting()) is Bond.GUARDIAN else None
        if guardian:
            on_failure.callback(guardian.dismiss)
        # A core dump belongs to the data directory, not into the directory that the owner runs in.
        options = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output, "cwd": log.parent}
        process = _start_bound(command, guardian, inherited, options)
        on_failure.pop_all()
        return process, guardian


def _start_bound(
    command: Sequence[str], guardian: Guardian | None, inherited: int, options: dict[str, Any]
) -> "subprocess.Popen[bytes]":
    if sys.platform == "win32":
        process = _start(command, **options)
        if guardian:
            guardian.watch(process.pid)
        return process
    bond = ("guardian", str(guardian.descriptor)) if guardian else ("owner", str(os.getpid()))
    kept = [inherited, guardian.descriptor] if guardian else [inherited]
    return _start([*_python(_LAUNCHER), *bond, *command], pass_fds=kept, **options)


def _start(command: Sequence[str], **options: Any) -> "subprocess.Popen[Any]":
    # mongod has no use for the application's secrets.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PARLEY_")}
    return subprocess.Popen(command, env=environment, **_APART_FROM_THE_TERMINAL, **options)


def _python(script: str) -> list[str]:
    """Isolated, so that neither the environment nor site-packages slow it down or change what it does."""
    return [sys.executable, "-I", "-S", script]

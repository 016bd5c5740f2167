"""Kills mongod when its owner is gone, where the kernel can't. Run by its path, on the standard library alone.

Its standard input is a pipe whose other end stays open until the owner ends, in whatever way. mongod's process id
comes first through it; STAND_DOWN comes last if the owner has seen mongod end.
"""

import os
import signal
import sys
from contextlib import suppress

STAND_DOWN = "over"


def main() -> None:
    words = sys.stdin.read().split()
    if not words or words[-1] == STAND_DOWN:
        return
    # mongod may have ended at the same moment as its owner.
    with suppress(ProcessLookupError):
        os.kill(int(words[0]), getattr(signal, "SIGKILL", signal.SIGTERM))


if __name__ == "__main__":
    main()

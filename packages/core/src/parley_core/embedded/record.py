"""Who runs the server of a data directory, written down for other processes that find it locked."""

import json
import os
import sys
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from parley_core.errors import StartupError
from parley_core.private_file import read_private


@dataclass(frozen=True)
class Record:
    """The owner's process id, the server's once it runs, and its host (see `Address`) once it can be used.

    A kept server is started again at the same host when it ends, as long as its owner lives.

    A record says nothing by itself: it outlives a crash. It counts while the directory is locked.
    """

    owner: int
    server: int | None = None
    host: str | None = None
    is_kept: bool = False

    def write(self, path: Path) -> None:
        """Replace the record in one step, so that no reader finds half of it."""
        draft = path.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(asdict(self)))
        draft.replace(path)

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return the record, without what another release has added to it; None where there is none.

        Raises:
            StartupError: the file contains something else.
        """
        try:
            found = json.loads(read_private(path))
            record = cls(**{key: value for key, value in found.items() if key in {f.name for f in fields(cls)}})
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, AttributeError) as error:
            raise _unusable(path) from error
        if not record._is_sound():
            raise _unusable(path)
        return record

    def _is_sound(self) -> bool:
        numbers = (self.owner, *(() if self.server is None else (self.server,)))
        return all(type(number) is int and number > 0 for number in numbers) and isinstance(self.host, str | None)

    @property
    def owner_lives(self) -> bool:
        return _lives(self.owner)

    @property
    def living(self) -> str:
        """The process to stop to free the directory."""
        living = [pid for pid in (self.owner, self.server) if pid is not None and _lives(pid)]
        return f"process {living[0]}" if living else "another process"


def _unusable(path: Path) -> StartupError:
    return StartupError(
        f"{path} doesn't say which server runs on its data directory: stop every Parley that uses the directory, "
        "remove the file, and start again"
    )


def _lives(pid: int) -> bool:
    if sys.platform == "win32":
        # There is no way to ask there: os.kill would end the process.
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

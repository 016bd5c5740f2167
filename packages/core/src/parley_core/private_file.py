"""A file that only its owner can read, such as a secret that is made once."""

import os
import secrets
from pathlib import Path


def store_once(path: Path, text: str) -> None:
    """Store a text with mode 0600, unless another process was first; nobody sees a half-written file."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    try:
        os.link(draft, path)
    except FileExistsError:
        # Another process was first, and its text counts.
        return
    finally:
        draft.unlink()

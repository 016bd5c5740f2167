"""Tools that others wrote, as `nox -s clients` installs them, and who logs in to the server that they are used on."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

EMAIL, PASSWORD = "ada@example.com", "correct horse battery staple"
Run = Callable[..., "subprocess.CompletedProcess[str]"]
# Redocly would report to its maker and look for updates.
_QUIET = {"NO_COLOR": "1", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "REDOCLY_TELEMETRY": "off"}


def runner(folder: str) -> Run:
    """Return a function that runs a tool of a folder: its name, its arguments, and a `cwd` if one matters."""

    def run(name: str, *arguments: str | Path, cwd: Path | None = None) -> "subprocess.CompletedProcess[str]":
        command = [str(Path(folder, name)), *map(str, arguments)]
        return subprocess.run(
            command, env=os.environ | _QUIET, cwd=cwd, capture_output=True, text=True, timeout=600, check=False
        )

    return run

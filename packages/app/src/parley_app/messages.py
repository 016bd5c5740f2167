"""What the `parley` command prints. The command, the server and its workers share it."""

import logging
from typing import TYPE_CHECKING

import typer

from parley_app.version import VERSION
from parley_core import StartupError
from parley_core.log_lines import LogLine

if TYPE_CHECKING:
    from parley_core import Parley


def announce(message: str) -> None:
    """Print a message that must not be missed, such as a password that is shown once."""
    rule = "=" * len(message)
    typer.secho(f"\n{rule}\n{message}\n{rule}\n", bold=True)


def complain(problem: StartupError | str) -> None:
    """Print in one line, on standard error, why the application can't start or doesn't answer; a line of a JSON log."""
    from parley_app.logs import is_json  # noqa: PLC0415 - what only shows its help needs none

    reason = " ".join(str(problem).splitlines())
    if is_json():
        logging.getLogger("parley.app").critical(LogLine("fatal", "parley: {reason}", reason=reason))
    else:
        typer.echo(f"parley: {reason}", err=True)


def show_ready(parley: "Parley", url: str, root_path: str, workers: int, *, console: str | None) -> None:
    """Print the addresses and the data folder once requests are answered.

    Args:
        parley: the application.
        url: where it listens; a browser can't open a Unix domain socket.
        root_path: the prefix under which a proxy serves it.
        workers: how many processes serve it.
        console: the path of the console; None where there is none.
    """
    from parley_core.kernel.settings import CoreSettings  # noqa: PLC0415 - a command that only complains needs none

    begins, ends = (root_path, " of the proxy in front") if url.startswith("unix:") else (f"{url}{root_path}", "")
    api = url if ends else begins
    core = parley.settings(CoreSettings)
    data = f"{parley.data_dir} (embedded MongoDB)" if parley.data_dir else "the MongoDB that PARLEY_MONGODB_URI names"
    typer.echo(
        f"Parley {VERSION} is ready.\n"
        + (f"  Console  {begins}{console}{ends}\n" if console else "")
        + f"  API      {api}\n"
        f"  Docs     {f'{begins}/docs{ends}' if core.docs else 'switched off'}\n"
        f"  Data     {data}\n"
        f"  Workers  {workers}\n"
        "Press Ctrl-C to stop."
    )

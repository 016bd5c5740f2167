"""What the `parley` command prints. The command, the server and its workers share it."""

import typer

from parley_app.application import VERSION
from parley_core import Parley, StartupError
from parley_core.kernel.settings import CoreSettings


def announce(message: str) -> None:
    """Print a message that must not be missed, such as a password that is shown once."""
    rule = "=" * len(message)
    typer.secho(f"\n{rule}\n{message}\n{rule}\n", bold=True)


def complain(error: StartupError) -> None:
    """Print in one line, on standard error, why the application can't start."""
    typer.echo(f"parley: {' '.join(str(error).splitlines())}", err=True)


def show_ready(parley: Parley, url: str, workers: int) -> None:
    """Print the addresses and the data folder once requests are answered."""
    core = parley.settings(CoreSettings)
    data = f"{parley.data_dir} (embedded MongoDB)" if parley.data_dir else "the MongoDB that PARLEY_MONGODB_URI names"
    typer.echo(
        f"Parley {VERSION} is ready.\n"
        f"  API      {url}\n"
        f"  Docs     {f'{url}/docs' if core.docs else 'switched off'}\n"
        f"  Data     {data}\n"
        f"  Workers  {workers}\n"
        "Press Ctrl-C to stop."
    )

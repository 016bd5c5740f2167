"""What the `parley` command says to whoever started it."""

import typer

from parley_core import StartupError


def announce(message: str) -> None:
    """Prints what must not be missed, such as a password that is shown once."""
    rule = "=" * len(message)
    typer.secho(f"\n{rule}\n{message}\n{rule}\n", bold=True)


def complain(error: StartupError) -> None:
    """Prints in one line, on standard error, why something can't start."""
    typer.echo(f"parley: {' '.join(str(error).splitlines())}", err=True)

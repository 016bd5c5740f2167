"""The commands of auth, below `parley`. Each imports what it needs when it runs."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from parley_auth.links.models import Purpose

app = typer.Typer()
_DataDir = Annotated[Path | None, typer.Option(help="The data directory of the embedded MongoDB.")]


class Format(StrEnum):
    """The output formats of `parley policy`."""

    MARKDOWN = "markdown"
    JSON = "json"


@app.command("create-admin")
def create_admin(
    context: typer.Context,
    email: Annotated[str, typer.Option(help="The administrator's e-mail.")],
    _password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")],
    data_dir: _DataDir = None,
) -> None:
    """Create an administrator. The password is read from standard input, so that no process list shows it."""
    from parley_auth import administration

    created = administration.create_admin(context.obj, email, _password(), data_dir)
    typer.echo(f"Administrator {created} is ready.")


def _password() -> str:
    return sys.stdin.readline().rstrip("\r\n")


@app.command("set-password")
def set_password(
    context: typer.Context,
    email: Annotated[str, typer.Option(help="The e-mail of the account.")],
    _password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")],
    data_dir: _DataDir = None,
) -> None:
    """Set the password of an account and end its sessions. The password is read from standard input."""
    from parley_auth import administration

    changed = administration.set_password(context.obj, email, _password(), data_dir)
    typer.echo(f"The password of {changed} is set, and every session of the account has ended.")


@app.command("link")
def create_link(
    context: typer.Context,
    email: Annotated[str, typer.Option(help="The e-mail of the account.")],
    purpose: Annotated[Purpose | None, typer.Option(help="By default what the account needs.")] = None,
    data_dir: _DataDir = None,
) -> None:
    """Print a link with which the owner of an account sets its password. An older one no longer works."""
    from parley_auth import administration

    typer.echo(administration.create_link(context.obj, email, purpose, data_dir))


class Algorithm(StrEnum):
    """The algorithms of keys."""

    EDDSA = "EdDSA"
    HS256 = "HS256"


@app.command("make-key")
def make_key(
    algorithm: Annotated[Algorithm, typer.Option(help="EdDSA has a public part; HS256 is a shared secret.")] = (
        Algorithm.EDDSA
    ),
) -> None:
    """Print a new private key as a JWK Set for PARLEY_JWT_KEYS. Put it first and keep the old keys after it."""
    from parley_auth.signing.key_ring import new_jwk

    typer.echo(json.dumps({"keys": [new_jwk(algorithm)]}))


@app.command("policy")
def show_policy(
    context: typer.Context,
    output: Annotated[Format, typer.Option("--format", help="The output format.")] = Format.MARKDOWN,
) -> None:
    """Print the policy table of all plugins, and each route with its guard or the reason why it is public."""
    from parley_auth import administration

    typer.echo(administration.policy_in(context.obj, as_json=output is Format.JSON), nl=False)

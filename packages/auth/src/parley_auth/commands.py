"""The commands of auth, below `parley`."""

import asyncio
import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar, cast

import typer
from fastapi import FastAPI
from pydantic import SecretStr

from parley_auth.accounts.bootstrap import Administrators
from parley_auth.authorization.policy_page import policy_of, rendered
from parley_auth.emails import normalised
from parley_auth.settings import AuthSettings
from parley_auth.signing.key_ring import new_jwk
from parley_core import Parley, Settings
from parley_core.declarations import Declared
from parley_core.kernel.settings import CoreSettings, load_settings

app = typer.Typer()
S = TypeVar("S", bound=Settings)


class Format(StrEnum):
    """The output formats of `parley policy`."""

    MARKDOWN = "markdown"
    JSON = "json"


@app.command("create-admin")
def create_admin(
    context: typer.Context,
    email: Annotated[str, typer.Option(help="The administrator's e-mail.")],
    _password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")],
    data_dir: Annotated[Path | None, typer.Option(help="The data directory of the embedded MongoDB.")] = None,
) -> None:
    """Create an administrator. The password is read from standard input, so that no process list shows it."""
    password = sys.stdin.readline().rstrip("\r\n")
    # Also given as the first administrator, so that a new embedded database doesn't get a second, random one.
    auth = _changed(AuthSettings, admin_email=email, admin_password=SecretStr(password))
    core = _changed(CoreSettings, **({"data_dir": data_dir} if data_dir else {}))
    application: FastAPI = context.obj([auth, core])
    asyncio.run(_provide(application.state.parley, email, password))
    typer.echo(f"Administrator {normalised(email)} is ready.")


def _changed(cls: type[S], **changes: object) -> S:
    """Return the settings from the environment with these changes; raise `StartupError` when they are wrong."""
    [settings] = load_settings([Declared("auth", cls)], []).values()
    return cast("S", settings.model_copy(update=changes))


async def _provide(parley: Parley, email: str, password: str) -> None:
    async with parley.running():
        await parley.require(Administrators).provide(email=email, password=password)


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
    typer.echo(json.dumps({"keys": [new_jwk(algorithm)]}))


@app.command("policy")
def show_policy(
    context: typer.Context,
    output: Annotated[Format, typer.Option("--format", help="The output format.")] = Format.MARKDOWN,
) -> None:
    """Print the policy table of all plugins, and each route with its guard or the reason why it is public."""
    application: FastAPI = context.obj([])
    application.state.parley.verify(application)
    policy = policy_of(application)
    typer.echo(json.dumps(policy, indent=2) + "\n" if output is Format.JSON else rendered(policy), nl=False)

"""The commands of auth, below `parley`."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar, cast

import typer
from fastapi import FastAPI
from pydantic import SecretStr

from parley_auth.accounts.bootstrap import Administrators
from parley_auth.authorization.policy_page import policy_of, rendered
from parley_auth.emails import normalised
from parley_auth.links.models import Purpose
from parley_auth.links.recovery import Recovery
from parley_auth.settings import AuthSettings
from parley_auth.signing.key_ring import new_jwk
from parley_core import Parley, Settings
from parley_core.declarations import Declared
from parley_core.kernel.settings import CoreSettings, load_settings

app = typer.Typer()
S = TypeVar("S", bound=Settings)
T = TypeVar("T")
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
    password = sys.stdin.readline().rstrip("\r\n")
    # Also given as the first administrator, so that a new embedded database doesn't get a second, random one.
    auth = _changed(AuthSettings, admin_email=email, admin_password=SecretStr(password))
    application: FastAPI = context.obj([auth, _core(data_dir)])
    asyncio.run(_provide(application.state.parley, email, password))
    typer.echo(f"Administrator {normalised(email)} is ready.")


def _changed(cls: type[S], **changes: object) -> S:
    """Return the settings from the environment with these changes; raise `StartupError` when they are wrong."""
    [settings] = load_settings([Declared("auth", cls)], []).values()
    return cast("S", settings.model_copy(update=changes))


async def _provide(parley: Parley, email: str, password: str) -> None:
    async with parley.running():
        await parley.require(Administrators).provide(email=email, password=password)


@app.command("set-password")
def set_password(
    context: typer.Context,
    email: Annotated[str, typer.Option(help="The e-mail of the account.")],
    _password_stdin: Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")],
    data_dir: _DataDir = None,
) -> None:
    """Set the password of an account and end its sessions. The password is read from standard input."""
    password = sys.stdin.readline().rstrip("\r\n")
    user = _run(context, data_dir, lambda parley: parley.require(Recovery).set_password(email, password))
    typer.echo(f"The password of {user.email} is set, and every session of the account has ended.")


@app.command("link")
def create_link(
    context: typer.Context,
    email: Annotated[str, typer.Option(help="The e-mail of the account.")],
    purpose: Annotated[Purpose | None, typer.Option(help="By default what the account needs.")] = None,
    data_dir: _DataDir = None,
) -> None:
    """Print a link with which the owner of an account sets its password. An older one no longer works."""
    link = _run(context, data_dir, lambda parley: parley.require(Recovery).link(email, purpose))
    typer.echo(
        f"{link.purpose.capitalize()} for {normalised(email)}, for one use until {link.expires_at:%Y-%m-%dT%H:%M:%SZ}:"
    )
    typer.echo(link.url_path)


def _run(context: typer.Context, data_dir: Path | None, work: Callable[[Parley], Awaitable[T]]) -> T:
    """Return what `work` returns, run on the deployment's database beside a server that may be running on it."""
    parley: Parley = context.obj([_core(data_dir)]).state.parley

    async def run() -> T:
        async with parley.running():
            return await work(parley)

    return asyncio.run(run())


def _core(data_dir: Path | None) -> CoreSettings:
    return _changed(CoreSettings, **({"data_dir": data_dir} if data_dir else {}))


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

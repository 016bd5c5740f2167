"""What `parley demo` does before it serves: a new data directory, filled and explained."""

import asyncio
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

import typer
from fastapi import FastAPI

from parley_app.application import create_app
from parley_app.demo.api import Api
from parley_app.demo.filling import fill
from parley_app.demo.people import ADMIN, CANDIDATES, INTERVIEWERS
from parley_core import StartupError
from parley_core.embedded import EmbeddedMongoDB
from parley_core.kernel.settings import CoreSettings


def prepare(data_dir: Path) -> None:
    """Fill a new data directory, which PARLEY_DATA_DIR names already, and print who can log in.

    Raises:
        StartupError: there is something in the directory, or another database is set.
    """
    if data_dir.exists() and any(data_dir.iterdir()):
        raise StartupError(
            f"{data_dir} is not empty, and the demo fills a new database alone: "
            f"see what is there with `parley serve --data-dir {data_dir}`, or choose another --data-dir"
        )
    password = secrets.token_urlsafe(12)
    app = _with_administrator(password)
    core = app.state.parley.settings(CoreSettings)
    if core.mongodb_uri:
        raise StartupError("the demo fills an embedded database alone: unset PARLEY_MONGODB_URI")
    with EmbeddedMongoDB.start(core.data_dir, mongod=core.mongod, announce=typer.echo):
        typer.echo("Filling it with a month of interviews.")
        count = asyncio.run(_filled(app, password))
    _explain(count, password, data_dir)


def _with_administrator(password: str) -> FastAPI:
    """Return an application whose start creates the administrator; no later one in this environment does."""
    account = {"PARLEY_ADMIN_EMAIL": ADMIN.email, "PARLEY_ADMIN_PASSWORD": password}
    before = {name: os.environ.get(name) for name in account}
    os.environ.update(account)
    try:
        return create_app(announce=typer.echo)
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


async def _filled(app: FastAPI, password: str) -> int:
    async with Api.of(app) as api:
        return await fill(api, password=password, now=datetime.now(UTC))


def _explain(count: int, password: str, data_dir: Path) -> None:
    typer.echo(f"There are {count} interviews now. Log in as one of these, all with the password {password}")
    for person in (ADMIN, INTERVIEWERS[0], CANDIDATES[0]):
        typer.echo(f"  {person.email:20}  {person.role}")
    typer.echo(f"It is shown this once. Later on: parley serve --data-dir {data_dir}\n")

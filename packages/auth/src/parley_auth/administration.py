"""What the commands of auth do, on the deployment's database, beside a server that may be running on it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar, cast

from fastapi import FastAPI
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from parley_auth.accounts.bootstrap import Administrators
from parley_auth.authorization.policy_page import policy_of, rendered
from parley_auth.emails import normalised
from parley_auth.links.models import Purpose
from parley_auth.links.recovery import Recovery
from parley_auth.settings import AuthSettings
from parley_core import Parley, Settings
from parley_core.declarations import Declared
from parley_core.kernel.settings import CoreSettings, load_settings

Compose = Callable[[Sequence[BaseSettings]], FastAPI]
"""Returns the composed application, with these settings in place of what the environment says."""
S = TypeVar("S", bound=Settings)
T = TypeVar("T")


def create_admin(compose: Compose, email: str, password: str, data_dir: Path | None) -> str:
    """Create an administrator; return their e-mail as it is stored."""
    # Also given as the first administrator, so that a new embedded database doesn't get a second, random one.
    auth = _changed(AuthSettings, admin_email=email, admin_password=SecretStr(password))
    parley: Parley = compose([auth, _core(data_dir)]).state.parley
    _run(parley, lambda: parley.require(Administrators).provide(email=email, password=password))
    return normalised(email)


def set_password(compose: Compose, email: str, password: str, data_dir: Path | None) -> str:
    """Set the password of an account and end its sessions; return its e-mail as it is stored."""
    parley: Parley = compose([_core(data_dir)]).state.parley
    return _run(parley, lambda: parley.require(Recovery).set_password(email, password)).email


def create_link(compose: Compose, email: str, purpose: Purpose | None, data_dir: Path | None) -> str:
    """Create a link with which the owner of an account sets its password; return the text that says so."""
    application = compose([_core(data_dir)])
    parley: Parley = application.state.parley
    link = _run(parley, lambda: parley.require(Recovery).link(email, purpose))
    path = link.url_path_below(application.root_path)
    until = f"{link.expires_at:%Y-%m-%dT%H:%M:%SZ}"
    return f"{link.purpose.capitalize()} for {normalised(email)}, for one use until {until}:\n{path}"


def policy_in(compose: Compose, *, as_json: bool) -> str:
    """Return the policy table of all plugins as a text."""
    application = compose([])
    application.state.parley.verify(application)
    policy = policy_of(application)
    return json.dumps(policy, indent=2) + "\n" if as_json else rendered(policy)


def _changed(cls: type[S], **changes: object) -> S:
    """Return the settings from the environment with these changes; raise `StartupError` when they are wrong."""
    [settings] = load_settings([Declared("auth", cls)], []).values()
    return cast("S", settings.model_copy(update=changes))


def _core(data_dir: Path | None) -> CoreSettings:
    return _changed(CoreSettings, **({"data_dir": data_dir} if data_dir else {}))


def _run(parley: Parley, work: Callable[[], Awaitable[T]]) -> T:
    async def run() -> T:
        async with parley.running():
            return await work()

    return asyncio.run(run())

"""What the tests of interviews share: an application of auth and interviews, and one account of each role."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import parley_auth.plugin
import parley_interviews.plugin
import pytest
from fastapi import FastAPI
from parley_auth import Role
from parley_auth.testing import Account, an_account, auth_settings
from parley_core.settings import CoreSettings
from parley_core.testing import MovableClock, an_application, running_client


@dataclass(frozen=True)
class People:
    """One account of each kind."""

    admin: Account
    interviewer: Account
    candidate: Account


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def app(core_settings: CoreSettings, clock: MovableClock) -> FastAPI:
    plugins = [parley_auth.plugin, parley_interviews.plugin]
    return an_application([core_settings, auth_settings()], plugins, clock=clock)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with running_client(app) as client:
        yield client


@pytest.fixture
async def people(app: FastAPI, client: httpx.AsyncClient) -> People:
    admin, interviewer, candidate = [await an_account(app, role) for role in Role]
    return People(admin, interviewer, candidate)

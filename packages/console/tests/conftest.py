"""Fixtures of the tests of the console: an application that serves it and nothing else."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

import parley_console.plugin
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import an_application, running_client


@pytest.fixture
def core_settings(reused_settings: CoreSettings) -> CoreSettings:
    return reused_settings


@pytest.fixture
def app(core_settings: CoreSettings) -> FastAPI:
    return an_application([core_settings], [parley_console.plugin])


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with running_client(app) as client:
        yield client

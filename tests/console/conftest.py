"""One application for all tests of the console, and windows in which nothing may go wrong unseen."""

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser
from sites import Site, a_site
from windows import Windows


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, mongodb_uri: str) -> Iterator[Site]:
    site = a_site(tmp_path_factory.mktemp("site"), mongodb_uri)
    yield site
    site.start.end_all()


@pytest.fixture
async def windows(chromium: Browser, site: Site) -> AsyncIterator[Windows]:
    """Windows of the console; whatever goes wrong in one of them fails the test at its end."""
    windows = Windows(chromium, site.url, site.documented)
    yield windows
    await windows.close()
    assert windows.faults == []

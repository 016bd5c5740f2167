"""One application for all tests of the console, and windows in which nothing may go wrong unseen."""

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser
from sites import Site, running_site
from windows import Windows


@pytest.fixture(scope="session", params=["root", pytest.param("prefix", marks=pytest.mark.console)])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, mongodb_uri: str) -> Iterator[Site]:
    """The application, at the root and behind nginx under a prefix: everything works in both places."""
    folder = tmp_path_factory.mktemp("site")
    with running_site(folder, mongodb_uri, prefix=request.param == "prefix") as site:
        yield site


@pytest.fixture
async def windows(chromium: Browser, site: Site) -> AsyncIterator[Windows]:
    """Windows of the console; whatever goes wrong in one of them fails the test at its end."""
    windows = Windows(chromium, site.url, site.documented)
    yield windows
    await windows.close()
    assert windows.faults == []

"""Chromium without a window, which may go nowhere but to this machine, driven by Playwright.

Playwright would download a browser of its own; this machine's is enough.
"""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

_OPTIONS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-proxy-server"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@asynccontextmanager
async def running_chromium() -> AsyncIterator[Browser]:
    """Run Chromium with an empty profile; skip the test visibly where it isn't installed."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed (Debian: chromium)")
    async with async_playwright() as playwright:
        yield await playwright.chromium.launch(executable_path=program, args=_OPTIONS)

"""The control: what may not happen in a window is seen when it does."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser
from sites import Site
from windows import Windows

WRONG = {
    "console.error('broken')": "error: broken",
    "setTimeout(() => { throw new Error('thrown'); })": "exception: thrown",
    "open('http://127.0.0.1:9/')": "foreign request: http://127.0.0.1:9/",
    "document.body.append(Object.assign(new Image(), {src: '../v1/none'}))": "undocumented: GET /v1/none",
    "fetch('../v1/users/me', {method: 'PUT'})": "undocumented: PUT /v1/users/me",
    "fetch('../v1/interviews')": "status of 401",
    "fetch('http://127.0.0.1:9/').catch(() => 0)": "policy: connect-src http://127.0.0.1:9/",
    "document.body.append(Object.assign(document.createElement('style'), {textContent: 'p {}'}))": "policy: style-src",
    "setTimeout(() => { document.body.innerHTML = '<p>'; })": "policy: require-trusted-types-for",
}


@pytest.fixture
async def watched(chromium: Browser, site: Site) -> AsyncIterator[Windows]:
    """Windows in which things may go wrong."""
    windows = Windows(chromium, site.url, site.documented)
    yield windows
    await windows.close()


async def test_what_goes_wrong_is_seen(watched: Windows) -> None:
    page = await watched.open()
    assert watched.faults == []
    for script, expected in WRONG.items():
        await page.evaluate(f"() => {{ {script}; }}")
        async with asyncio.timeout(15):
            while not any(expected in fault for fault in watched.faults):
                await page.evaluate("() => new Promise(requestAnimationFrame)")


async def test_what_is_expected_is_no_fault(watched: Windows) -> None:
    page = await watched.open()
    watched.expect("status of 401")
    await page.evaluate("() => fetch('../v1/users/me').then(() => 0)")
    assert watched.faults == []

"""The first load of a page: few requests, each answered, and nothing that keeps the browser busy afterwards."""

import asyncio

import pytest
from measures import OBSERVE_TASKS
from playwright.async_api import Page, expect
from sites import Site
from windows import Windows

MOST_REQUESTS = 16
_BUSY = """
() => new Promise((resolve) => {
  new PerformanceObserver(() => resolve(true)).observe({ type: "longtask" });
  setTimeout(() => { for (const end = performance.now() + 80; performance.now() < end; ); });
})
"""
_TRANSFERRED = """
() => performance.getEntriesByType("resource").filter(({ transferSize }) => transferSize > 0).map(({ name }) => name)
"""


async def load_anew(page: Page) -> list[str]:
    """Load a page as somebody who has never been there, but is logged in; return what it asked for."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    session = await page.context.new_cdp_session(page)
    await session.send("Network.clearBrowserCache")
    await page.reload(wait_until="networkidle")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    return asked


async def test_few_requests(site: Site, windows: Windows) -> None:
    """To log in, and to see the interviews."""
    asked = await load_anew(await windows.open())
    assert len(set(asked)) <= MOST_REQUESTS, "\n".join(asked)
    ada = await site.person("candidate", "Ada Lovelace")
    await site.interview(ada)
    asked = await load_anew(await windows.open(ada))
    assert len(set(asked)) <= MOST_REQUESTS, "\n".join(asked)


async def test_the_second_load_asks_for_the_page_alone(windows: Windows) -> None:
    """Its files have their content's name, so that they are kept."""
    page = await windows.open()
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await page.reload(wait_until="networkidle")
    assert await page.evaluate(_TRANSFERRED) == []


@pytest.mark.console
async def test_no_long_task(site: Site, windows: Windows) -> None:
    """Once it is there, the page never keeps the browser from answering its reader."""
    ada = await site.person("candidate", "Ada Lovelace")
    await site.interview(ada)
    page = await windows.open(ada)
    await page.add_init_script(OBSERVE_TASKS)
    await page.reload(wait_until="networkidle")
    loaded = await page.evaluate("() => performance.getEntriesByType('navigation')[0].loadEventEnd")
    for name in ("Week", "My account", "Interviews"):
        await page.get_by_role("link", name=name).click()
        await expect(page.locator("[aria-busy]")).to_have_count(0)
    tasks = await page.evaluate("() => longTasks")
    assert [task for task in tasks if task[0] > loaded] == []
    assert await _a_long_task(page)


async def _a_long_task(page: Page) -> bool:
    """The control: a long task is seen."""
    async with asyncio.timeout(15):
        return bool(await page.evaluate(_BUSY))

"""What a page costs its reader: requests, long tasks, and scrolling sideways."""

from playwright.async_api import Page

# From the beginning of a document on; a task is long from 50 ms on, as browsers define it.
OBSERVE_TASKS = """
globalThis.longTasks = [];
const asPair = ({ startTime, duration }) => [startTime, duration];
new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(asPair))).observe({ type: "longtask" });
"""
_SIDEWAYS = """
() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  return [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > width + 1)
    .map((one) => `${one.tagName}.${one.className}: ${one.getBoundingClientRect().right} > ${width}`);
}
"""


async def sideways(page: Page) -> list[str]:
    """Return the elements that make a page wider than its window."""
    return list(await page.evaluate(_SIDEWAYS))

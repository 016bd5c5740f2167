"""What axe finds on a page: faults of its markup and contrast that shut people with assistive technology out."""

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

_AXE = Axe()
_OPTIONS = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


async def violations(page: Page) -> list[str]:
    """Return each rule that a page breaks, with the elements that break it."""
    found = (await _AXE.run(page, options=_OPTIONS)).response["violations"]
    return [
        f"{rule['id']}: {rule['help']}: {node['html']} {node.get('failureSummary', '')}"
        for rule in found
        for node in rule["nodes"]
    ]

"""Windows of a browser, each with a session of its own, in which nothing goes wrong unseen."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, WebError, expect
from sites import PASSWORD, Person

from parley_core.testing.documented import Documented

# However it is spelt.
EMAIL = re.compile("^e-?mail$", re.IGNORECASE)
# What a policy refuses becomes a message of the page, with what was refused.
_REPORT = """
addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI, sample }) =>
  console.error(`policy: ${violatedDirective} ${blockedURI} ${sample}`));
"""


@dataclass
class Windows:
    """Windows that people have open, and what happened in them that may not.

    Args:
        browser: opens them.
        base: the address of the application, which may have a prefix.
        documented: what its OpenAPI document says.
    """

    browser: Browser
    base: str
    documented: Documented
    faults: list[str] = field(default_factory=list)
    _expected: list[re.Pattern[str]] = field(default_factory=list)
    _contexts: list[BrowserContext] = field(default_factory=list)

    def expect(self, *messages: str) -> None:
        """Let the pages report this from now on, as Chromium does with each answer of 4xx.

        Args:
            messages: regular expressions of what isn't a fault in this test.
        """
        self._expected += map(re.compile, messages)

    async def open(self, person: Person | None = None, route: str = "/", **options: Any) -> Page:
        """Open a window with the console, in which a person logs in.

        Args:
            person: who logs in; None for nobody.
            route: what stands behind the # of the address.
            options: what Playwright takes for a session, such as `color_scheme`.
        """
        context = await self.browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        self._contexts.append(context)
        context.on("request", self._check_request)
        context.on("console", self._check_message)
        context.on("weberror", self._check_error)
        await context.add_init_script(_REPORT)
        page = await context.new_page()
        page.set_default_timeout(15_000)
        await page.goto(f"{self.base}/console/#{route}")
        if person:
            await log_in(page, person)
        return page

    async def close(self) -> None:
        """Close all of them."""
        for context in self._contexts:
            await context.close()

    def _check_request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.base}/", "data:", "blob:")):
            self.faults.append(f"foreign request: {request.url}")
            return
        path = urlsplit(request.url.removeprefix(self.base)).path
        if path.startswith("/v1/") and request.method.lower() not in self.documented.operations_at(path):
            self.faults.append(f"undocumented: {request.method} {path}")

    def _check_message(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._add(f"{message.type}: {message.text} {message.location.get('url', '')}")

    def _check_error(self, error: WebError) -> None:
        self._add(f"exception: {error.error}")

    def _add(self, text: str) -> None:
        if not any(pattern.search(text) for pattern in self._expected):
            self.faults.append(text)


async def log_in(page: Page, person: Person) -> None:
    """Log in as people do: fill in the form that is shown."""
    await page.get_by_label(EMAIL).fill(person.email)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", level=1)).not_to_have_text("Log in", timeout=15_000)

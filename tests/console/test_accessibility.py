"""Everybody can use the console: with a screen reader, by keyboard alone, enlarged, light and dark."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from axe import violations
from measures import sideways
from playwright.async_api import Locator, Page, expect
from sites import PASSWORD, Site
from windows import EMAIL, Windows

# An outline, or what stands for one; browsers draw none of their own where a style has taken it away.
_FOCUS_IS_SEEN = """
() => {
  const { outlineStyle, boxShadow } = getComputedStyle(document.activeElement);
  return document.activeElement === document.body || outlineStyle !== "none" || boxShadow !== "none";
}
"""
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 320, "height": 640}
# By the role of who looks. {interview} and {person} are one of each; others are as they are after the start.
ROUTES = {
    "admin": (
        *("/interviews", "/interviews?q=nothing&status=all", "/interviews/{interview}", "/week", "/people"),
        *("/people?q=nothing", "/people/{person}", "/log", "/system", "/me", "/nowhere"),
    ),
    "interviewer": ("/interviews", "/interviews/{interview}", "/interviews/{closed}", "/week", "/me"),
    "candidate": ("/interviews", "/interviews/{interview}", "/interviews/{closed}", "/week", "/me"),
}
# The buttons that open a dialog, and those whose form isn't accepted as it is.
DIALOGS = {
    "/interviews": ["New interview"],
    "/interviews/{interview}": ["Edit", "Reschedule", "Cancel interview", "Add a person", "Remove Grace Hopper"],
    "/people": ["New account"],
    "/people/{person}": ["Edit", "Deactivate"],
    "/me": ["New feed"],
}
REFUSED = {"New interview", "Add a person", "New account"}


async def settled(page: Page) -> None:
    """Return once a page is drawn."""
    await expect(page.locator("[aria-busy=true]")).to_have_count(0, timeout=15_000)
    await expect(page.get_by_role("heading", level=1)).to_be_visible()


async def open_pages(site: Site, windows: Windows, role: str, **options: Any) -> AsyncIterator[tuple[Page, str]]:
    """Open each page that a role has, in one window; give it when it is drawn, and its route."""
    windows.expect("status of 404")  # what isn't installed
    people = {role: await site.person(role, f"{role.title()} Longname") for role in ROUTES}
    takes_part = [people["interviewer"], people["candidate"]]
    interview = await site.interview(*takes_part, title="Backend engineer, second round")
    closed = await site.interview(*takes_part, title="Frontend engineer, first round", description="Long. " * 40)
    for body in ({"content": "Welcome, and please share your screen."}, {"content": "https://example.com/" + "x" * 80}):
        await site.ask(people["candidate"], "POST", f"/v1/interviews/{closed['id']}/messages", body)
        await site.ask(people["interviewer"], "POST", f"/v1/interviews/{interview['id']}/messages", body)
    change = {"status": "cancelled", "reason": "The candidate withdrew."}
    await site.ask(site.admin, "PATCH", f"/v1/interviews/{closed['id']}/status", change)
    page = await windows.open(people[role], **options)
    for route in ROUTES[role]:
        names = {"interview": interview["id"], "closed": closed["id"], "person": people["candidate"].id}
        await page.goto(f"{windows.base}/console/#{route.format_map(names)}")
        await page.evaluate("() => new Promise((resolve) => setTimeout(resolve))")  # the page has seen its new address
        await settled(page)
        yield page, route


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_logging_in(windows: Windows, scheme: str) -> None:
    """An error is at its field, to which the focus goes."""
    windows.expect("status of 40")
    page = await windows.open(color_scheme=scheme)
    await settled(page)
    assert await violations(page) == []
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_label(EMAIL)).to_have_accessible_description("Field required")
    await expect(page.get_by_label(EMAIL)).to_be_focused()
    assert await violations(page) == []


@pytest.mark.console
async def test_axe_finds_nothing_on_an_administrators_pages(site: Site, windows: Windows) -> None:
    found = {
        route: seen async for page, route in open_pages(site, windows, "admin") if (seen := await violations(page))
    }
    assert found == {}


@pytest.mark.console
@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("role", ROUTES)
async def test_axe_finds_nothing(
    site: Site, windows: Windows, role: str, scheme: str, viewport: dict[str, int]
) -> None:
    pages = open_pages(site, windows, role, color_scheme=scheme, viewport=viewport)
    assert {route: seen async for page, route in pages if (seen := await violations(page))} == {}


@pytest.mark.console
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_dialogs(site: Site, windows: Windows, scheme: str) -> None:
    """Each has a name, and so has each of its fields, also where a value was refused."""
    windows.expect("status of 400")
    grace = await site.person("interviewer", "Grace Hopper")
    interview = await site.interview(grace)
    page = await windows.open(await site.person("admin", "Alan Turing"), color_scheme=scheme)
    for route, buttons in DIALOGS.items():
        await page.goto(f"{windows.base}/console/#{route.format(interview=interview['id'], person=grace.id)}")
        for name in buttons:
            await page.get_by_role("button", name=name, exact=True).first.click()
            dialog = page.get_by_role("dialog")
            await expect(dialog).to_be_visible()
            if name in REFUSED:
                await dialog.get_by_role("button").first.click()
                await expect(dialog.locator("[aria-invalid=true]").first).to_be_focused()
            assert await violations(page) == [], name
            await page.keyboard.press("Escape")
            await expect(dialog).to_have_count(0)
            await expect(page.get_by_role("button", name=name, exact=True).first).to_be_focused()


async def test_axe_finds_faults(windows: Windows) -> None:
    """The control: a picture without a text and a grey that is too light."""
    page = await windows.open()
    await settled(page)
    await page.evaluate("() => document.querySelector('h1').append(document.createElement('img'))")
    await page.evaluate("() => { document.querySelector('h1').style.color = '#ccc'; }")
    assert {fault.split(":")[0] for fault in await violations(page)} >= {"image-alt", "color-contrast"}


@pytest.mark.parametrize("role", ["admin", pytest.param("candidate", marks=pytest.mark.console)])
@pytest.mark.parametrize("text", ["100%", pytest.param("200%", marks=pytest.mark.console)])
async def test_nothing_is_wider_than_a_narrow_window(site: Site, windows: Windows, role: str, text: str) -> None:
    """A window of 640 px that is enlarged to 200 % has 320; then once more, with text of twice the size."""
    pages = open_pages(site, windows, role, viewport=NARROW, device_scale_factor=2)
    found = {}
    async for page, route in pages:
        await page.evaluate("(size) => { document.documentElement.style.fontSize = size; }", text)
        if wide := await sideways(page):
            found[route] = wide
    assert found == {}


async def test_sideways_is_seen(windows: Windows) -> None:
    """The control: an element that is too wide."""
    page = await windows.open(viewport=NARROW)
    await settled(page)
    assert await sideways(page) == []
    await page.evaluate("() => { document.querySelector('main').style.minWidth = '400px'; }")
    assert await sideways(page)


async def tab_to(page: Page, target: Locator) -> None:
    """Press the tabulator until the focus is on the target; wherever it comes by, it is seen."""
    for _ in range(60):
        await page.keyboard.press("Tab")
        assert await page.evaluate(_FOCUS_IS_SEEN), await page.evaluate("() => document.activeElement.outerHTML")
        if await target.evaluate("(element) => element === document.activeElement"):
            return
    pytest.fail(f"the keyboard does not reach {target}")


async def test_by_keyboard_alone(site: Site, windows: Windows) -> None:
    """From logging in to a message that is sent."""
    grace = await site.person("interviewer", "Grace Hopper")
    await site.interview(grace, title="Compiler engineer")
    page = await windows.open()
    await settled(page)
    await tab_to(page, page.get_by_label(EMAIL))
    await page.keyboard.type(grace.email)
    await tab_to(page, page.get_by_label("Password"))
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await tab_to(page, page.get_by_role("link", name="Compiler engineer"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Compiler engineer")
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await tab_to(page, page.get_by_label("Your message"))
    await page.keyboard.type("Welcome")
    await tab_to(page, page.get_by_role("button", name="Send"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("log")).to_contain_text("Welcome")
    await expect(page.get_by_label("Your message")).to_be_focused()

"""Tokens in the browser: one rotation for all tabs, and a session that ended ends on the page."""

import asyncio

import pytest
from playwright.async_api import Page, Response, expect
from sites import Site
from windows import EMAIL, Windows

# What a page's own script asks for, ten times at once.
_TEN_CALLS = """
async () => {
  const { get } = await import(new URL("js/api.js", document.querySelector("script[type=module]").src));
  const answers = await Promise.allSettled(Array.from({ length: 10 }, () => get("/v1/users/me")));
  return answers.map(({ status, value, reason }) => value?.email ?? `${status}: ${reason}`);
}
"""
# As after ten minutes: the access token is used up, whether the page knows it or not.
_USED_UP = {
    "known": "(session) => ({ ...session, usable_until: 0 })",
    "unknown": "(session) => ({ ...session, access_token: `${session.access_token}x` })",
}
_CHANGE = """
(change) => {
  const session = JSON.parse(localStorage.getItem("parley.session"));
  localStorage.setItem("parley.session", JSON.stringify(change(session)));
}
"""


async def use_up(page: Page, how: str) -> None:
    """Make the access token of a session useless."""
    await page.evaluate(f"() => ({_CHANGE})({_USED_UP[how]})")


@pytest.mark.parametrize("how", ["unknown", pytest.param("known", marks=pytest.mark.console)])
async def test_two_tabs_rotate_once(site: Site, windows: Windows, how: str) -> None:
    """The second use of a refresh token would end the session.

    A tab may not see yet what the other one has stored, since browsers give no guarantee of that. It then repeats the
    request with the same key, and gets the same tokens.
    """
    windows.expect("status of 401")
    ada = await site.person("candidate", "Ada Lovelace")
    one = await windows.open(ada)
    other = await one.context.new_page()
    await other.goto(one.url)
    await expect(other.get_by_role("heading", level=1)).to_have_text("Interviews")
    refreshes: list[Response] = []
    one.context.on("response", lambda answer: refreshes.append(answer) if "refresh" in answer.url else None)
    await use_up(one, how)
    first, second = await asyncio.gather(one.evaluate(_TEN_CALLS), other.evaluate(_TEN_CALLS))
    assert first == second == [ada.email] * 10
    assert len(refreshes) <= 2
    assert len({(await answer.json())["refresh_token"] for answer in refreshes}) == 1
    await use_up(other, how)
    assert await one.evaluate(_TEN_CALLS) == first


async def test_logging_out_reaches_all_tabs(site: Site, windows: Windows) -> None:
    ada = await site.person("candidate", "Ada Lovelace")
    one = await windows.open(ada)
    other = await one.context.new_page()
    await other.goto(one.url)
    for page in (one, other):
        await expect(page.get_by_text("No interviews yet")).to_be_visible()
    await one.get_by_role("button", name="Log out").click()
    for page in (one, other):
        await expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert await other.evaluate("() => Object.keys(localStorage)") == []


async def test_a_revoked_session_ends_at_the_next_click(site: Site, windows: Windows) -> None:
    windows.expect("status of 401")
    ada = await site.person("candidate", "Ada Lovelace")
    page = await windows.open(ada)
    await site.ask(site.admin, "POST", f"/v1/users/{ada.id}/logout-all")
    await page.get_by_role("link", name="My account").click()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()


async def test_a_wrong_password_is_said_at_the_form(site: Site, windows: Windows) -> None:
    windows.expect("status of 401")
    page = await windows.open()
    await page.get_by_label(EMAIL).fill("nobody@example.com")
    await page.get_by_label("Password", exact=True).fill("wrong password")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("alert")).not_to_be_empty()
    await expect(page.get_by_role("heading", name="Log in")).to_be_visible()

"""Accounts in the console: invited by an administrator, accepted by whoever has the link, deactivated."""

import re

import pytest
from playwright.async_api import expect
from sites import PASSWORD, Site
from windows import EMAIL, Windows


async def test_an_invitation(site: Site, windows: Windows) -> None:
    """The link of a new account is shown once, and whoever opens it chooses a password and is logged in."""
    admin = await windows.open(await site.person("admin", "Alan Turing"), "/people")
    await admin.get_by_role("button", name="New account").click()
    dialog = admin.get_by_role("dialog")
    await dialog.get_by_label(EMAIL).fill("barbara@example.com")
    await dialog.get_by_label("Role").select_option("candidate")
    await dialog.get_by_role("button", name="New account").click()
    link = await admin.get_by_role("dialog").get_by_label(re.compile("link", re.IGNORECASE)).input_value()
    assert link.startswith(f"{site.url}/console")

    guest = await windows.open()
    await guest.goto(link)
    await guest.get_by_label("Name").fill("Barbara Liskov")
    await guest.get_by_label("New password").fill(PASSWORD)
    await guest.get_by_role("button", name="Save and log in").click()
    await expect(guest.get_by_text("Barbara Liskov").first).to_be_visible()
    await expect(guest.get_by_role("link", name="People")).to_have_count(0)


@pytest.mark.console
async def test_whoever_is_deactivated_is_logged_out(site: Site, windows: Windows) -> None:
    windows.expect("status of 401")
    ada = await site.person("candidate", "Ada Lovelace")
    candidate = await windows.open(ada)
    admin = await windows.open(await site.person("admin", "Alan Turing"), f"/people/{ada.id}")
    await admin.get_by_role("button", name="Deactivate", exact=True).click()
    await admin.get_by_role("dialog").get_by_role("button", name="Deactivate", exact=True).click()
    await expect(admin.get_by_text("Deactivated", exact=True).first).to_be_visible()
    await candidate.get_by_role("link", name="My account").click()
    await expect(candidate.get_by_role("heading", name="Log in")).to_be_visible()


async def test_the_log_is_live(site: Site, windows: Windows) -> None:
    """What somebody does appears on the page of the log by itself."""
    admin = await windows.open(await site.person("admin", "Alan Turing"), "/log")
    await expect(admin.get_by_text("Live", exact=True)).to_be_visible()
    await site.interview()
    await expect(admin.get_by_role("main").get_by_role("listitem").first).to_contain_text(
        "Interview created", timeout=15_000
    )

"""Messages on the page of an interview: live, once, in order, and only for those who take part."""

import time
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect
from sites import Person, Site
from windows import Windows

SECONDS = 1.0


async def write(page: Page, text: str) -> None:
    """Send a message as people do."""
    await page.get_by_label("Your message").fill(text)
    await page.get_by_role("button", name="Send").click()


def said(page: Page) -> Locator:
    """Return the messages that a page shows."""
    return page.get_by_role("log").get_by_role("listitem")


async def two_in_an_interview(site: Site, windows: Windows) -> tuple[dict[str, Any], Page, Person, Page]:
    """Return an interview, its interviewer's window, and its candidate with theirs."""
    grace, ada = await site.person("interviewer", "Grace Hopper"), await site.person("candidate", "Ada Lovelace")
    interview = await site.interview(grace, ada)
    route = f"/interviews/{interview['id']}"
    return interview, await windows.open(grace, route), ada, await windows.open(ada, route)


async def test_a_message_is_seen_at_once(site: Site, windows: Windows) -> None:
    """Within a second; a machine with more to do than this may take its time with some."""
    _, grace, _, ada = await two_in_an_interview(site, windows)
    await expect(ada.get_by_label("Your message")).to_be_visible()
    took = []
    for number in range(5):
        began = time.monotonic()
        await write(grace, f"Question {number}")
        await expect(said(ada).last).to_contain_text(f"Question {number}", timeout=15_000)
        took.append(time.monotonic() - began)
        if took[-1] < SECONDS:
            break
    assert min(took) < SECONDS, took
    await write(ada, "An answer")
    await expect(said(grace).last).to_contain_text("An answer")


@pytest.mark.console
async def test_no_message_is_lost_or_doubled_by_a_restart(site: Site, windows: Windows) -> None:
    """The stream goes on where it ended, and until then the page says that there is no connection."""
    windows.expect("net::ERR_", "status of 50")
    _, grace, _, ada = await two_in_an_interview(site, windows)
    await write(grace, "Before")
    await expect(said(ada).last).to_contain_text("Before")
    site.serving.stop()
    await expect(ada.get_by_text("No connection, trying again")).to_be_visible()
    await write(grace, "During")
    await expect(grace.get_by_role("alert").filter(has_text=".")).to_be_visible()
    site.serve()
    await expect(ada.get_by_text("No connection, trying again")).to_be_hidden(timeout=60_000)
    await grace.get_by_role("button", name="Send").click()
    await expect(said(ada).last).to_contain_text("During", timeout=15_000)
    await write(ada, "After")
    for page in (grace, ada):
        await expect(said(page).last).to_contain_text("After", timeout=15_000)
        texts = await said(page).all_inner_texts()
        assert [text.split("\n")[-1] for text in texts] == ["Before", "During", "After"]


async def test_whoever_is_removed_reads_so(site: Site, windows: Windows) -> None:
    windows.expect("status of 403")
    interview, grace, person, ada = await two_in_an_interview(site, windows)
    await expect(ada.get_by_label("Your message")).to_be_visible()
    await site.ask(site.admin, "DELETE", f"/v1/interviews/{interview['id']}/participants/{person.id}")
    await expect(ada.get_by_role("alert")).to_contain_text("participant", timeout=15_000)
    await write(grace, "Only for those who take part")
    await expect(said(grace).last).to_contain_text("Only for those")
    await expect(ada.get_by_text("Only for those")).to_have_count(0)


@pytest.mark.console
async def test_a_long_log_begins_with_its_end(site: Site, windows: Windows) -> None:
    """What was written earlier is shown when somebody asks for it."""
    grace = await site.person("interviewer", "Grace Hopper")
    interview = await site.interview(grace)
    for number in range(60):
        body = {"content": f"Message {number}"}
        await site.ask(grace, "POST", f"/v1/interviews/{interview['id']}/messages", body)
    page = await windows.open(grace, f"/interviews/{interview['id']}")
    await expect(said(page)).to_have_count(50)
    await page.get_by_role("button", name="earlier").click()
    await expect(said(page)).to_have_count(60)
    await expect(said(page).first).to_contain_text("Message 0")

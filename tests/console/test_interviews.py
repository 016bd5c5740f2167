"""Interviews in the console: their whole life, and what comes between two people who change one."""

import re
from typing import Any

from playwright.async_api import Locator, Page, expect
from sites import Person, Site
from windows import EMAIL, Windows

HOSTILE = "<img src=x onerror=console.error('hostile')><script>console.error('hostile')</script>{{7*7}}"


async def add_person(page: Page, person: Person) -> None:
    """Add somebody to the interview that a page shows."""
    await page.get_by_role("button", name="Add a person").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label(EMAIL).fill(person.email)
    await dialog.get_by_role("button", name="Add a person").click()
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_role("region", name="People").get_by_text(person.name).first).to_be_visible()


def button(where: Page | Locator, name: str) -> Locator:
    """Return a button of exactly this name."""
    return where.get_by_role("button", name=name, exact=True)


async def address_of(site: Site, interview: dict[str, Any]) -> str:
    """Return the route of an interview's page."""
    return f"/interviews/{interview['id']}"


async def test_an_interviews_life(site: Site, windows: Windows) -> None:
    """An administrator creates it and adds people, the interviewer starts and completes it, all see what happens."""
    alan, grace, ada = [
        await site.person(role, name)
        for role, name in (("admin", "Alan Turing"), ("interviewer", "Grace Hopper"), ("candidate", "Ada Lovelace"))
    ]
    admin = await windows.open(alan)
    await button(admin, "New interview").first.click()
    dialog = admin.get_by_role("dialog")
    await dialog.get_by_label("Title").fill("Compiler engineer")
    await dialog.get_by_label("Type").fill("technical")
    await dialog.get_by_role("button", name=re.compile("Create|New")).click()
    await expect(admin.get_by_role("heading", level=1)).to_have_text("Compiler engineer")
    for person in (grace, ada):
        await add_person(admin, person)

    interviewer, candidate = await windows.open(grace), await windows.open(ada)
    for page in (interviewer, candidate):
        await page.get_by_role("link", name="Compiler engineer").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Compiler engineer")
    await button(interviewer, "Start").click()
    await expect(interviewer.get_by_text("Ongoing", exact=True)).to_be_visible()
    await expect(button(candidate, "Start")).to_have_count(0)
    await expect(candidate.get_by_role("button", name=re.compile("Edit|Reschedule|Cancel"))).to_have_count(0)

    await button(interviewer, "Complete").click()
    await button(interviewer.get_by_role("dialog"), "Complete").click()
    await expect(interviewer.get_by_text("Completed", exact=True)).to_be_visible()
    for page in (candidate, admin):
        await expect(page.get_by_text("Completed", exact=True).first).to_be_visible(timeout=30_000)
    await expect(candidate.get_by_label("Your message")).to_have_count(0)
    await admin.get_by_text("History", exact=True).click()
    await expect(admin.get_by_text("Grace Hopper").last).to_be_visible()


async def test_filters_stand_in_the_address(site: Site, windows: Windows) -> None:
    """A list that somebody has found can be kept and passed on."""
    grace = await site.person("interviewer", "Grace Hopper")
    for title in ("Compiler engineer", "Frontend engineer"):
        await site.interview(grace, title=title)
    page = await windows.open(grace)
    rows = page.get_by_role("main").get_by_role("listitem")
    await expect(rows).to_have_count(2)
    await page.get_by_role("searchbox").fill("compiler")
    await expect(rows).to_have_count(1)
    await page.get_by_label("Status").select_option("Completed")
    await expect(rows).to_have_count(0)
    await page.get_by_label("Status").select_option("Open")
    await expect(rows).to_have_count(1)
    await page.reload()
    await expect(page.get_by_role("searchbox")).to_have_value("compiler")
    await expect(rows).to_have_count(1)


async def test_two_who_edit_at_once(site: Site, windows: Windows) -> None:
    """The second sees what the first has made of it, and decides."""
    windows.expect("status of 412")
    interview = await site.interview(location="Room 1")
    route = await address_of(site, interview)
    page = await windows.open(await site.person("admin", "Alan Turing"), route)
    for choice, location in (("Back", "Room 2"), ("Overwrite with mine", "Room 4")):
        await button(page, "Edit the details").or_(button(page, "Edit")).first.click()
        await page.get_by_role("dialog").get_by_label("Location").fill("Room 4")
        await site.ask(site.admin, "PATCH", f"/v1{route}", {"location": "Room 2", "notes": choice})
        await button(page.get_by_role("dialog"), "Save").click()
        conflict = page.get_by_role("dialog", name="Somebody else was faster")
        await expect(conflict.get_by_text("Room 2")).to_be_visible()
        await button(conflict, choice).click()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        assert (await site.ask(site.admin, "GET", f"/v1{route}"))["location"] == location
        await expect(page.get_by_text(location).first).to_be_visible()


async def test_what_is_refused_is_said_at_its_field(site: Site, windows: Windows) -> None:
    windows.expect("status of 400")
    interview = await site.interview()
    page = await windows.open(await site.person("admin", "Alan Turing"), await address_of(site, interview))
    await button(page, "Reschedule").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Minutes").fill("9999")
    await dialog.get_by_role("button").first.click()
    await expect(dialog.get_by_label("Minutes")).to_be_focused()
    await expect(dialog.get_by_label("Minutes")).to_have_accessible_description(re.compile("1440"))
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def test_texts_stay_texts(site: Site, windows: Windows) -> None:
    """What people write may contain markup; on no page does it become some."""
    grace = await site.person("interviewer", "Grace Hopper")
    await site.ask(grace, "PATCH", "/v1/users/me", {"name": HOSTILE})
    ada = await site.person("candidate", "Ada Lovelace")
    texts = {
        "title": HOSTILE,
        "description": HOSTILE,
        "notes": HOSTILE,
        "location": "javascript:console.error('hostile')",
    }
    interview = await site.interview(grace, ada, **texts)
    await site.ask(grace, "POST", f"/v1/interviews/{interview['id']}/messages", {"content": HOSTILE})
    alan = await site.person("admin", "Alan Turing")
    pages = {
        alan.name: await windows.open(alan),
        ada.name: await windows.open(ada),
        grace.name: await windows.open(grace),
    }
    for name, page in pages.items():
        routes = ["/interviews", await address_of(site, interview), "/week?of=2027-03-05", "/me"]
        for route in [*routes, *(["/people", f"/people/{grace.id}", "/log"] if name == alan.name else [])]:
            await page.goto(f"{windows.base}/console/#{route}")
            await expect(page.get_by_text("<img src=x").or_(page.get_by_text(name)).first).to_be_visible()
            await expect(page.locator("[aria-busy=true]")).to_have_count(0)
            assert await page.locator("img, main script, [onerror], [href^='javascript']").count() == 0
    await expect(pages[ada.name].get_by_role("navigation").first).to_be_visible()
    await pages[ada.name].goto(f"{windows.base}/console/#{await address_of(site, interview)}")
    await expect(pages[ada.name].get_by_role("log")).to_contain_text(HOSTILE)

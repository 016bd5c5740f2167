"""Pages and the way to the next one."""

from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import Query
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parley_core import Page, PageQuery, PagerDep, Router
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, running_client, walk

TOTAL = 45
router = Router(prefix="/notes", tag="notes")


class NoteQuery(PageQuery):
    kind: Annotated[list[str], Query(default_factory=list)]
    cursor: str | None = None
    after: int = 0


@router.get("")
async def list_notes(query: Annotated[NoteQuery, Query()], pager: PagerDep) -> Page[int]:
    """Numbers; a cursor is the number to begin with."""
    start = int(query.cursor) if query.cursor else query.offset
    items = list(range(TOTAL))[start : start + query.limit]
    cursor = str(start + len(items)) if query.cursor else None
    return pager.page(items, total=TOTAL, query=query, offset=start, cursor=cursor)


@router.get("/pinned")
async def list_pinned(query: Annotated[NoteQuery, Query()], pager: PagerDep) -> Page[int]:
    """A list whose following pages keep to what was the whole when the walk began."""
    return pager.page([1], total=2, query=query, pinned={"kind": "newest", "before": 7})


@router.get("/log")
async def list_log(query: Annotated[NoteQuery, Query()], pager: PagerDep) -> dict[str, str]:
    """A list with a form of its own, which goes on after a position."""
    return {"next": pager.next_address({"after": 7, "limit": query.limit})}


@router.get("/moving/{direction}")
async def list_moving(direction: str, query: Annotated[NoteQuery, Query()], pager: PagerDep) -> Page[int]:
    """A list that has changed behind a cursor, and goes on by an offset or is at its end."""
    return pager.page([1], total=7, query=query, offset=3, more=direction == "on")


@pytest.fixture
async def client(core_settings: CoreSettings) -> AsyncIterator[httpx.AsyncClient]:
    async with running_client(an_application([core_settings], [a_plugin("notes", parley_routers=[router])])) as client:
        yield client


class TestPages:
    async def test_defaults(self, client: httpx.AsyncClient) -> None:
        """A page has 20 items unless asked otherwise, and says what it is of."""
        page = (await client.get("/v1/notes")).json()
        assert page == {
            "items": list(range(20)),
            "total": TOTAL,
            "limit": 20,
            "offset": 0,
            "next": "/v1/notes?offset=20",
        }

    @pytest.mark.parametrize(
        "start", ["/v1/notes", "/v1/notes?limit=1", "/v1/notes?limit=45", "/v1/notes?limit=7&cursor=0"], ids=str
    )
    async def test_walk(self, client: httpx.AsyncClient, start: str) -> None:
        """Following `next` gives every item once, and `Link` says the same as `next`."""
        items: list[int] = []
        async for answer in walk(client, start):
            page = answer.json()
            assert page["offset"] == len(items)
            assert answer.headers.get("link") == (f'<{page["next"]}>; rel="next"' if page["next"] else None)
            items += page["items"]
        assert items == list(range(TOTAL))

    async def test_beyond_the_end(self, client: httpx.AsyncClient) -> None:
        """Behind the last item there is nothing more, and the total is right."""
        answer = await client.get("/v1/notes?offset=2147483647&limit=100")
        assert answer.json() == {"items": [], "total": TOTAL, "limit": 100, "offset": 2**31 - 1, "next": None}
        assert "link" not in answer.headers

    async def test_filters_are_kept(self, client: httpx.AsyncClient) -> None:
        """The next page is of the same list, repeated filters and strange letters included."""
        answer = await client.get("/v1/notes", params={"kind": ["a b", "é&=", "a b"], "offset": 3})
        assert parse_qs(urlsplit(answer.json()["next"]).query) == {"kind": ["a b", "é&=", "a b"], "offset": ["23"]}

    async def test_pinned_parameters(self, client: httpx.AsyncClient) -> None:
        """What a list pins replaces what was asked, in all following pages."""
        answer = await client.get("/v1/notes/pinned?kind=all&limit=1")
        assert answer.json()["next"] == "/v1/notes/pinned?limit=1&kind=newest&before=7&offset=1"

    async def test_of_another_form(self, client: httpx.AsyncClient) -> None:
        """A list that isn't a `Page` names its next page in the same way: with its filters, and in `Link`."""
        answer = await client.get("/v1/notes/log?after=3&kind=a&kind=b&limit=5&offset=9")
        assert answer.json()["next"] == "/v1/notes/log?kind=a&kind=b&after=7&limit=5"
        assert answer.headers["Link"] == f'<{answer.json()["next"]}>; rel="next"'

    async def test_behind_a_cursor(self, client: httpx.AsyncClient) -> None:
        """Where offset and total don't say so, the list says whether more follows; an address has one position."""
        assert (await client.get("/v1/notes/moving/on?cursor=x&offset=9")).json()[
            "next"
        ] == "/v1/notes/moving/on?offset=4"
        assert (await client.get("/v1/notes/moving/off?cursor=x")).json()["next"] is None

    @settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(limit=st.integers(1, 100), kind=st.lists(st.text(st.characters(codec="utf-8")), max_size=3))
    async def test_any_filters(self, client: httpx.AsyncClient, limit: int, kind: list[str]) -> None:
        """Whatever the filters, a walk ends and repeats nothing, and every address fits into a header."""
        items: list[int] = []
        async for answer in walk(client, str(httpx.URL("/v1/notes", params={"limit": limit, "kind": kind}))):
            assert answer.status_code == 200, answer.text
            items += answer.json()["items"]
        assert items == list(range(TOTAL))

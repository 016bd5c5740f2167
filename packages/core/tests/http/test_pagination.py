"""Pages and the way to the next one."""

from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from counts import rounds
from fastapi import Query
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parley_core import Page, PageQuery, PagerDep, Router
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, links_of, running_client, walk

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
    return {"next": pager.next_address({"after": 7, "limit": query.limit}) or ""}


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
        """Following `next` gives every item once, and `Link` says the same as `next`, absolute."""
        items: list[int] = []
        async for answer in walk(client, start):
            page = answer.json()
            assert page["offset"] == len(items)
            assert links_of(answer).get("next") == (f"http://test{page['next']}" if page["next"] else None)
            items += page["items"]
        assert items == list(range(TOTAL))

    async def test_beyond_the_end(self, client: httpx.AsyncClient) -> None:
        """Behind the last item there is nothing more, and the total is right."""
        answer = await client.get("/v1/notes?offset=2147483647&limit=100")
        assert answer.json() == {"items": [], "total": TOTAL, "limit": 100, "offset": 2**31 - 1, "next": None}
        assert links_of(answer).keys() == {"first", "prev", "last"}

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
        assert links_of(answer) == {
            "first": "http://test/v1/notes/log?kind=a&kind=b&limit=5",
            "next": f"http://test{answer.json()['next']}",
        }

    async def test_behind_a_cursor(self, client: httpx.AsyncClient) -> None:
        """Where offset and total don't say so, the list says whether more follows; an address has one position."""
        assert (await client.get("/v1/notes/moving/on?cursor=x&offset=9")).json()[
            "next"
        ] == "/v1/notes/moving/on?offset=4"
        assert (await client.get("/v1/notes/moving/off?cursor=x")).json()["next"] is None

    async def test_without_total(self, client: httpx.AsyncClient) -> None:
        """With `total=false` the total is null, and following `next` still gives every item once."""
        items: list[int] = []
        async for answer in walk(client, "/v1/notes?limit=7&total=false"):
            page = answer.json()
            assert page["total"] is None
            assert page["next"] is None or parse_qs(urlsplit(page["next"]).query)["total"] == ["false"]
            items += page["items"]
        assert items == list(range(TOTAL))

    @pytest.mark.attack
    @settings(
        max_examples=rounds(10, full=50), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(limit=st.integers(1, 100), kind=st.lists(st.text(st.characters(codec="utf-8")), max_size=3))
    async def test_any_filters(self, client: httpx.AsyncClient, limit: int, kind: list[str]) -> None:
        """Whatever the filters, a walk ends and repeats nothing, and every address fits into a header."""
        items: list[int] = []
        async for answer in walk(client, str(httpx.URL("/v1/notes", params={"limit": limit, "kind": kind}))):
            assert answer.status_code == 200, answer.text
            items += answer.json()["items"]
        assert items == list(range(TOTAL))


def ends(answer: httpx.Response) -> dict[str, str]:
    """Return where `Link` leads, without what all of its addresses begin with."""
    return {rel: address.removeprefix("http://test/v1/notes") for rel, address in links_of(answer).items()}


class TestLinks:
    @pytest.mark.parametrize(
        ("query", "expected"),
        [
            ("", {"first": "", "next": "?offset=20", "last": "?offset=40"}),
            ("?limit=45", {"first": "?limit=45", "last": "?limit=45&offset=0"}),
            ("?offset=20", {"first": "", "prev": "?offset=0", "next": "?offset=40", "last": "?offset=40"}),
            ("?offset=40", {"first": "", "prev": "?offset=20", "last": "?offset=40"}),
            ("?offset=3", {"first": "", "prev": "?offset=0&limit=3", "next": "?offset=23", "last": "?offset=43"}),
            ("?offset=45", {"first": "", "prev": "?offset=40", "last": "?offset=40"}),
            ("?offset=9999", {"first": "", "prev": "?offset=40", "last": "?offset=40"}),
            ("?total=true", {"first": "?total=true", "next": "?total=true&offset=20", "last": "?total=true&offset=40"}),
            ("?total=false", {"first": "?total=false", "next": "?total=false&offset=20"}),
            ("?total=no&offset=40", {"first": "?total=no", "prev": "?total=no&offset=20"}),
            (
                "?total=0&offset=3",
                {"first": "?total=0", "prev": "?total=0&offset=0&limit=3", "next": "?total=0&offset=23"},
            ),
            ("?total=0&offset=99", {"first": "?total=0", "prev": "?total=0&offset=79"}),
            ("?cursor=20", {"first": "", "next": "?cursor=40"}),
            ("?cursor=40", {"first": ""}),
        ],
    )
    async def test_relations(self, client: httpx.AsyncClient, query: str, expected: dict[str, str]) -> None:
        """Pages by offset name all others; those by cursor what stays true: the first, and the next."""
        answer = await client.get(f"/v1/notes{query}")
        assert ends(answer) == expected
        assert list(ends(answer)) == [rel for rel in ("first", "prev", "next", "last") if rel in expected]

    @pytest.mark.parametrize("limit", [1, 7, 20, 44, 45, 46, 100])
    @pytest.mark.parametrize("start", [0, 1, 6, 44])
    async def test_both_ways(self, client: httpx.AsyncClient, limit: int, start: int) -> None:
        """From any page on, `next` to the end and `prev` to the beginning give each item once."""
        page = await client.get(f"/v1/notes?limit={limit}&offset={start}")
        items: list[int] = page.json()["items"]
        after = before = page
        while following := links_of(after).get("next"):
            after = await client.get(following)
            items = items + after.json()["items"]
        while preceding := links_of(before).get("prev"):
            before = await client.get(preceding)
            items = before.json()["items"] + items
        assert items == list(range(TOTAL))
        last = await client.get(links_of(page)["last"])
        assert last.json()["items"] == after.json()["items"]

    async def test_long_filters(self, client: httpx.AsyncClient) -> None:
        """What would be too long for proxies has `next` alone, by which every list is walked."""
        answer = await client.get("/v1/notes", params={"kind": "漢" * 200})
        assert links_of(answer).keys() == {"next"}
        assert len(answer.headers["Link"]) < 2048

    async def test_strange_path(self, client: httpx.AsyncClient) -> None:
        """A path is repeated as it is spelt in an address, whatever it contains: no header or address is broken."""
        path = f"/v1/notes/moving/{quote('é >;, x')}"
        answer = await client.get(path)
        assert answer.status_code == 200, answer.text
        assert links_of(answer)["first"] == f"http://test{path}"


class TestBeginnings:
    @pytest.mark.parametrize("host", ["parley.example", "parley.example:8443", "[::1]:80"])
    async def test_host(self, client: httpx.AsyncClient, host: str) -> None:
        """Without a setting an address begins with the scheme and host that the request was sent to."""
        answer = await client.get("/v1/notes", headers={"Host": host})
        assert links_of(answer)["next"] == f"http://{host}/v1/notes?offset=20"
        answer = await client.get("https://test/v1/notes", headers={"Host": host})
        assert links_of(answer)["next"] == f"https://{host}/v1/notes?offset=20"

    @pytest.mark.parametrize("host", ["", "a b", "a>; rel=x", 'a"b', "u@a", "a/b", "a:b", "[x]"])
    async def test_no_host(self, client: httpx.AsyncClient, host: str) -> None:
        """Where `Host` is none the addresses are paths, as `next` is."""
        answer = await client.get("/v1/notes", headers={"Host": host})
        assert links_of(answer)["next"] == answer.json()["next"] == "/v1/notes?offset=20"

    @pytest.mark.parametrize(
        ("url", "beginning"),
        [
            ("https://api.example.com", "https://api.example.com{root}"),
            ("https://api.example.com/", "https://api.example.com{root}"),
            ("http://a:8000/parley", "http://a:8000/parley"),
        ],
    )
    @pytest.mark.parametrize("root", ["", "/parley"])
    async def test_public_url(self, core_settings: CoreSettings, url: str, beginning: str, root: str) -> None:
        """With the setting all begin with it, whatever `Host` says; its own path takes the place of the prefix."""
        settings = core_settings.model_copy(update={"public_url": CoreSettings(public_url=url).public_url})
        app = an_application([settings], [a_plugin("notes", parley_routers=[router])])
        async with running_client(app):
            transport = httpx.ASGITransport(app=app, root_path=root)
            async with httpx.AsyncClient(transport=transport, base_url="http://evil.example") as client:
                for passed in {"", root}:
                    answer = await client.get(f"{passed}/v1/notes")
                    assert links_of(answer)["next"] == f"{beginning.format(root=root)}/v1/notes?offset=20"
                    assert answer.json()["next"] == f"{root}/v1/notes?offset=20"

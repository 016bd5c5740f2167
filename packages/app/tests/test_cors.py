"""What a browser finds in the answers before it lets a page of another origin use the API."""

from collections.abc import Iterator

import httpx
import pytest
from pydantic import ValidationError

from parley_app import create_app
from parley_app.origins import is_origin
from parley_app.settings import AppSettings
from parley_app.starting import Starting
from parley_app.testing import Serving, Start, install_plugin
from parley_core import StartupError

OURS, OTHER, FOREIGN = "https://app.example.com", "http://localhost:3000", "https://app.example.com.attacker.example"
ASKED = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "authorization,if-match"}
# Routes that fail in ways that no feature does on request.
_FAILING = """
from fastapi import HTTPException

from parley_core import PublicRoute, Router, hookimpl

router = Router(prefix="/failing", tag="failing")


@router.get("/{how}")
async def fail(how: str) -> str:
    raise ValueError if how == "crash" else HTTPException(int(how))


@hookimpl
def parley_routers():
    return [router]


@hookimpl
def parley_public_routes():
    return [PublicRoute("GET", "/v1/failing/{how}", "a test reads it")]
"""


@pytest.fixture(scope="module")
def crossed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """One `parley serve` that two origins' pages may use."""
    folder = tmp_path_factory.mktemp("crossed")
    install_plugin(folder, "failing", _FAILING)
    starter = Start(folder)
    settings = {"PARLEY_CORS_ORIGINS": f"{OURS}, {OTHER}", "PARLEY_BODY_SECONDS": "0.3", "PYTHONPATH": str(folder)}
    yield starter("--data-dir", folder / "data", **settings)
    starter.end_all()


def words(header: str) -> set[str]:
    """Return the words of a header that lists them, in lower case."""
    return {word.strip().lower() for word in header.split(",")}


def permissions(answer: httpx.Response) -> dict[str, str]:
    """Return what an answer permits pages of other origins."""
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def preflight(serving: Serving, path: str, origin: str = OURS) -> httpx.Response:
    """Ask as a browser does before a page's request."""
    return httpx.options(f"{serving.url}{path}", headers={"Origin": origin, **ASKED})


class TestPreflight:
    def test_every_method_and_header_of_the_api_is_permitted(self, crossed: Serving) -> None:
        answer = preflight(crossed, "/v1/interviews")
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["access-control-allow-origin"] == OURS
        assert words(answer.headers["access-control-allow-methods"]) >= {"get", "post", "put", "patch", "delete"}
        assert words(answer.headers["access-control-allow-headers"]) >= {
            *("authorization", "content-type", "if-match", "if-none-match"),
            *("idempotency-key", "last-event-id", "x-request-id"),
        }
        assert int(answer.headers["access-control-max-age"]) > 0
        assert answer.headers["vary"] == "Origin"
        assert "x-request-id" in answer.headers

    def test_it_needs_no_token_and_says_nothing_about_an_address(self, crossed: Serving) -> None:
        paths = ["/v1/interviews", "/v1/interviews/no-id", "/v1/nothing", "/nothing", "/docs", "/v1/failing/crash"]
        answers = [preflight(crossed, path) for path in paths]
        seen = {tuple((k, v) for k, v in a.headers.items() if k not in {"date", "x-request-id"}) for a in answers}
        assert {answer.status_code for answer in answers} == {204}
        assert len(seen) == 1

    @pytest.mark.parametrize("origin", [FOREIGN, "null", OURS.upper(), "http://app.example.com", f"{OURS}:444", ""])
    def test_another_origin_gets_no_permission(self, crossed: Serving, origin: str) -> None:
        answer = preflight(crossed, "/v1/interviews", origin)
        assert answer.status_code == 204
        assert not permissions(answer)
        assert answer.headers["vary"] == "Origin"

    def test_options_of_no_browser_are_what_they_were(self, crossed: Serving) -> None:
        answer = httpx.options(f"{crossed.url}/v1/interviews", headers={"Origin": OURS})
        assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


class TestAnswers:
    @pytest.mark.parametrize("origin", [OURS, OTHER])
    def test_the_headers_of_the_api_can_be_read(self, crossed: Serving, origin: str) -> None:
        answer = httpx.get(f"{crossed.url}/readyz", headers={"Origin": origin})
        assert answer.headers["access-control-allow-origin"] == origin
        assert words(answer.headers["access-control-expose-headers"]) >= {
            *("etag", "link", "location", "retry-after", "x-request-id", "www-authenticate", "cache-status"),
            "parley-conflicts",
        }
        assert "access-control-allow-credentials" not in answer.headers

    @pytest.mark.parametrize("headers", [{}, {"Origin": FOREIGN}], ids=["none", "foreign"])
    def test_an_answer_for_nobody_is_kept_for_nobody_else(self, crossed: Serving, headers: dict[str, str]) -> None:
        answer = httpx.get(f"{crossed.url}/readyz", headers=headers)
        assert not permissions(answer)
        assert "origin" in words(answer.headers["vary"])

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/v1/users/me", 401),
            ("GET", "/v1/nothing", 404),
            ("PUT", "/healthz", 405),
            ("GET", "/v1/failing/429", 429),
            ("GET", "/v1/failing/crash", 500),
            ("GET", "/v1/failing/503", 503),
        ],
    )
    def test_errors_can_be_read(self, crossed: Serving, method: str, path: str, status: int) -> None:
        answer = httpx.request(method, f"{crossed.url}{path}", headers={"Origin": OURS})
        assert answer.status_code == status
        assert answer.headers.get_list("access-control-allow-origin") == [OURS]

    @pytest.mark.parametrize(
        ("lines", "status"),
        [
            (("POST /v1/auth/login HTTP/1.1", "Host: parley", "Content-Length: 99999"), 413),
            (("POST /v1/auth/login HTTP/1.1", "Host: parley", "Content-Length: 2"), 408),
            (("GET /healthz HTTP/1.1", "Host: parley", "Host: other"), 400),
            (("OPTIONS /healthz HTTP/1.1", "Host: a", "Host: b", "Access-Control-Request-Method: GET"), 400),
            (("GET /healthz HTTP/1.1", "Host: parley", f"X-Long: {'x' * 70_000}"), 431),
            (("GET /healthz HTTP/1.1", "Host: parley", "A line that is no header"), 400),
        ],
        ids=["too-large", "late", "two-hosts", "asked-with-two-hosts", "long-head", "broken-head"],
    )
    def test_what_no_route_answers_can_be_read(self, crossed: Serving, lines: tuple[str, ...], status: int) -> None:
        start, *headers = lines
        with crossed.connect() as connection:
            connection.send(start, f"Origin: {OURS}", "Content-Type: application/json", *headers)
            answer = connection.answer()
        assert answer is not None
        assert (answer.status, answer.headers["access-control-allow-origin"]) == (status, OURS)
        assert answer.headers["vary"] == "Origin"

    async def test_while_the_start_waits_for_mongodb(self) -> None:
        settings = AppSettings(cors_origins=(OURS,))
        starting = Starting(create_app(), wait_seconds=None, on_failure=lambda _: None, settings=settings)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=starting), base_url="http://test") as client:
            asked = await client.options("/v1/interviews", headers={"Origin": OURS, **ASKED})
            answer = await client.get("/v1/interviews", headers={"Origin": OURS})
        assert (asked.status_code, answer.status_code) == (204, 503)
        assert asked.headers["access-control-allow-origin"] == answer.headers["access-control-allow-origin"] == OURS


class TestSetting:
    def test_unset_no_answer_says_anything(self, serving: Serving) -> None:
        for method, path in [("GET", "/healthz"), ("OPTIONS", "/v1/interviews"), ("GET", "/v1/users/me")]:
            answer = httpx.request(method, f"{serving.url}{path}", headers={"Origin": OURS, **ASKED})
            assert not permissions(answer)
            assert "origin" not in words(answer.headers.get("vary", ""))

    async def test_all_origins_never_with_credentials(self) -> None:
        app = create_app([AppSettings(cors_origins=("*",))])
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
            answers = [await client.get("/healthz", headers={"Origin": FOREIGN}), await client.get("/healthz")]
        for answer in answers:
            assert answer.headers["access-control-allow-origin"] == "*"
            assert "access-control-allow-credentials" not in answer.headers
            assert "origin" not in words(answer.headers.get("vary", ""))

    @pytest.mark.parametrize(
        "word",
        [
            *("https://app.example.com/", "https://app.example.com/path", "https://app.example.com?x=1", "null"),
            *("app.example.com", "//app.example.com", "https://", "https://*.example.com", "*", "https://a b"),
            *("https://App.example.com", "HTTPS://app.example.com", "https://bücher.example", "https://u:p@host"),
            *("https://app.example.com:443", "http://localhost:80", "http://localhost:0", "http://localhost:65536"),
            *(
                "http://localhost:",
                "https://app..example.com",
                "https://app.example.com#x",
                "http://[::1",
                "http://::1",
            ),
        ],
    )
    def test_what_no_browser_sends_is_refused(self, word: str) -> None:
        with pytest.raises(ValidationError, match="entry 2 is no origin as browsers send it"):
            AppSettings(cors_origins=(OURS, word))

    def test_a_wrong_one_stops_the_start_and_is_not_repeated(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PARLEY_CORS_ORIGINS", f"{OURS},https://u:p@host")
        with pytest.raises(StartupError, match=r"PARLEY_CORS_ORIGINS: .*entry 2 is no origin") as refused:
            create_app()
        assert "u:p" not in str(refused.value)

    @pytest.mark.parametrize(
        "word",
        [
            *("https://app.example.com", "http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:5173"),
            *("https://xn--bcher-kva.example", "https://a_b.example:8443", "http://a:443", "capacitor://localhost"),
            "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        ],
    )
    def test_what_browsers_send(self, word: str) -> None:
        assert is_origin(word)

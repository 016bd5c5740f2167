"""What stands between a socket and the application, with a real server and bytes that no client library sends."""

import contextlib
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from parley_app.testing import Answer, Connection, Serving, eventually, lines_about

HOST = "Host: parley.example"
CLOSE = "Connection: close"
# The address of whoever fails to log in is logged.
LOGIN = '{"email": "nobody@example.com", "password": "nine green bottles"}'


def written(lines: Sequence[str]) -> str:
    """Return a request, or a part of one, that has these lines."""
    return "\r\n".join((*lines, "", ""))


def answers(serving: Serving, *requests: Sequence[str]) -> list[Answer]:
    """Send requests at once, each by its lines, and return all answers up to the end of the connection."""
    with serving.connect() as connection:
        connection.socket.sendall("".join(map(written, requests)).encode())
        return list(iter(connection.answer, None))


def events(serving: Serving, request_id: str) -> Iterator[dict[str, Any]]:
    """The security events of a request, once there is one."""
    eventually(lambda: bool(lines_about(serving, request_id)))
    return (line for line in lines_about(serving, request_id) if line["logger"] == "parley.security")


class TestTrailers:
    """A trailer of a chunked body says nothing that a header says; the same line as a header does."""

    CHUNKED = "Transfer-Encoding: chunked"

    HEAD = (HOST, "Transfer-Encoding: chunked", CLOSE)

    @pytest.mark.parametrize(
        ("headers", "trailers", "code"),
        [
            ((), ("Authorization: Bearer x.y.z",), "authentication_required"),
            (("Authorization: Bearer x.y.z",), (), "invalid_token"),
        ],
        ids=["trailer", "header"],
    )
    def test_authorization(self, serving: Serving, headers: Sequence[str], trailers: Sequence[str], code: str) -> None:
        [answer] = answers(serving, ("GET /v1/users/me HTTP/1.1", *self.HEAD, *headers), ("0", *trailers))
        assert answer.problem["code"] == code

    @pytest.mark.parametrize(
        ("headers", "trailers", "seen"),
        [
            ((), ("X-Forwarded-For: 198.51.100.7",), "127.0.0.1"),
            (("X-Forwarded-For: 198.51.100.7",), (), "198.51.100.7"),
        ],
        ids=["trailer", "header"],
    )
    def test_forwarded_address(
        self, serving: Serving, headers: Sequence[str], trailers: Sequence[str], seen: str
    ) -> None:
        head = ("POST /v1/auth/login HTTP/1.1", *self.HEAD, "Content-Type: application/json", *headers)
        body = (f"{len(LOGIN):x}", LOGIN, "0", *trailers, "X-Request-ID: trailer")
        [answer] = answers(serving, head, body)
        assert answer.headers["x-request-id"] != "trailer"
        assert [event["network"] for event in events(serving, answer.headers["x-request-id"])] == [seen]


# What is no request of HTTP/1.1, whichever route it names.
REFUSED = {
    "no host": ("GET /v1/users/me HTTP/1.1",),
    "two hosts": ("GET /v1/users/me HTTP/1.1", HOST, "Host: other.example"),
    "one host twice": ("GET /v1/users/me HTTP/1.1", HOST, HOST),
    "two hosts in 1.0": ("GET /v1/users/me HTTP/1.0", HOST, HOST),
    "a path for a host": ("GET /v1/users/me HTTP/1.1", "Host: parley.example/admin"),
    "a user in the host": ("GET /v1/users/me HTTP/1.1", "Host: ada@parley.example"),
    "a space in the host": ("GET /v1/users/me HTTP/1.1", "Host: parley example"),
    "no host, upgraded": ("GET /v1/users/me HTTP/1.1", "Connection: Upgrade", "Upgrade: websocket"),
    "2.0": ("GET /v1/users/me HTTP/2.0", HOST),
    "3.7": ("GET /v1/users/me HTTP/3.7", HOST),
    "0.9": ("GET /v1/users/me HTTP/0.9",),
    "no version": ("GET /v1/users/me",),
    "no request": ("nine green bottles",),
    "no path": ("GET  HTTP/1.1", HOST),
    "a header without a colon": ("GET /v1/users/me HTTP/1.1", HOST, "nine green bottles"),
    "two lengths": ("POST /v1/auth/login HTTP/1.1", HOST, "Content-Length: 1", "Content-Length: 2"),
    "length and chunks": ("POST /v1/auth/login HTTP/1.1", HOST, "Content-Length: 1", "Transfer-Encoding: chunked"),
    "no chunk": ("POST /v1/auth/login HTTP/1.1", HOST, "Transfer-Encoding: chunked", "", "nine", "green"),
}
ACCEPTED = {
    "name": ("GET /healthz HTTP/1.1", "Host: parley_1.example"),
    "port": ("GET /healthz HTTP/1.1", "Host: parley.example:8000"),
    "IPv4": ("GET /healthz HTTP/1.1", "Host: 192.0.2.1:80"),
    "IPv6": ("GET /healthz HTTP/1.1", "Host: [2001:db8::1]:80"),
    "empty": ("GET /healthz HTTP/1.1", "Host:"),
    "none in 1.0": ("GET /healthz HTTP/1.0",),
    "one in 1.0": ("GET /healthz HTTP/1.0", HOST),
}


class TestRequests:
    @pytest.mark.parametrize("name", REFUSED)
    def test_refused(self, serving: Serving, name: str) -> None:
        """It is a 400 like every other one, before any route is looked for, and the connection ends."""
        [answer] = answers(serving, REFUSED[name])
        assert answer.status == 400
        assert answer.problem["code"] == "validation_error"
        assert answer.headers.get_all("x-request-id") == [answer.problem["request_id"]]
        assert answer.headers.get_all("cache-control") == ["no-store"]
        assert answer.headers.get_all("x-content-type-options") == ["nosniff"]
        assert answer.headers.get_all("connection") == ["close"]
        eventually(lambda: bool(lines_about(serving, answer.problem["request_id"])))

    @pytest.mark.parametrize("name", ACCEPTED)
    def test_accepted(self, serving: Serving, name: str) -> None:
        """It is answered as it always was."""
        [answer] = answers(serving, (*ACCEPTED[name], CLOSE))
        assert answer.status == 200

    def test_in_turn(self, serving: Serving) -> None:
        """Requests before a refused one are answered first; those after it aren't answered."""
        good = ("GET /readyz HTTP/1.1", HOST)
        found = answers(serving, good, good, good[:1], good)
        assert [answer.status for answer in found] == [200, 200, 400]


class TestUnreadBodies:
    """The rest of a body that nobody wants isn't read: the answer ends the connection."""

    @pytest.mark.parametrize("length", ["Content-Length: 300000000", "Transfer-Encoding: chunked"])
    @pytest.mark.parametrize("route", ["GET /healthz", "POST /nowhere", "POST /healthz", "POST /v1/auth/login"])
    def test_ended(self, serving: Serving, route: str, length: str) -> None:
        """A body that begins and doesn't end, where no route reads it, or one that is too large."""
        if (route, length) == ("POST /v1/auth/login", "Transfer-Encoding: chunked"):
            body = b"2000\r\n" + b" " * 0x2000 + b"\r\n"
        else:
            body = b"1\r\n \r\n"
        with serving.connect() as connection:
            connection.send(f"{route} HTTP/1.1", HOST, length, body=body)
            assert connection.answer() is not None
            # An idle connection ends too, after 5 s.
            connection.socket.settimeout(4)
            assert connection.answer() is None

    def test_whole(self, serving: Serving) -> None:
        """A body that came whole leaves the connection open, wanted or not."""
        with serving.connect() as connection:
            for _ in range(2):
                connection.send("GET /healthz HTTP/1.1", HOST, "Content-Length: 3", body=b"abc")
                assert connection.answer() is not None


class TestDisconnects:
    """A client that goes away is nothing that an operator should be shown as an error."""

    @pytest.fixture(autouse=True)
    def _quiet(self, probed: Serving) -> Iterator[None]:
        """See that the server logs no error, once it has noticed all that the test did."""
        before = len(probed.logged)
        yield
        request_id = uuid.uuid4().hex
        [answer] = answers(probed, ("GET /v1/probe/slow HTTP/1.1", HOST, f"X-Request-ID: {request_id}", CLOSE))
        assert answer.status == 200
        eventually(lambda: request_id in probed.logged)
        assert "Traceback" not in probed.logged[before:]
        assert '"ERROR"' not in probed.logged[before:]

    def test_pipelined(self, probed: Serving) -> None:
        """20 answers are due; the one that is being made isn't that to the last request."""
        for _ in range(20):
            with probed.connect() as connection:
                connection.socket.sendall(written(("GET /v1/probe/slow HTTP/1.1", HOST)).encode() * 20)
                assert connection.answer()

    @pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
    @pytest.mark.parametrize("length", ["Content-Length: 500", "Transfer-Encoding: chunked"])
    @pytest.mark.parametrize("path", ["login", "token"])
    def test_in_a_body(self, probed: Serving, path: str, length: str, kind: str) -> None:
        with probed.connect() as connection:
            head = (f"POST /v1/auth/{path} HTTP/1.1", HOST, f"Content-Type: {kind}", length)
            connection.socket.sendall((written(head) + '5\r\n{"em').encode())

    def test_in_an_answer(self, probed: Serving) -> None:
        with probed.connect() as connection:
            connection.send("GET /v1/probe/endless HTTP/1.1", HOST)
            assert connection.socket.recv(100_000)


class TestHeads:
    """A request's address and headers are bounded, in size and in time."""

    def test_large(self, serving: Serving) -> None:
        """Up to 64 KiB pass; beyond that it is a problem, whether the head is complete or not."""
        [answer] = answers(serving, ("GET /healthz HTTP/1.1", HOST, CLOSE, f"X-Large: {'x' * 65_000}"))
        assert answer.status == 200
        for lines in (
            (HOST, f"X-Large: {'x' * 70_000}"),
            (HOST, *(f"X-{number}: {'x' * 1000}" for number in range(70))),
        ):
            [answer] = answers(serving, ("GET /v1/users/me HTTP/1.1", *lines))
            assert (answer.status, answer.problem["code"]) == (431, "headers_too_large")
        [answer] = answers(serving, (f"GET /v1/users?q={'x' * 70_000} HTTP/1.1", HOST))
        assert answer.status == 431

    def test_endless(self, serving: Serving) -> None:
        """A header that never ends isn't kept."""
        with serving.connect() as connection:
            connection.send("GET /healthz HTTP/1.1", HOST)
            assert connection.answer()
            sent = connection.socket.send(written(("GET /healthz HTTP/1.1", HOST))[:-2].encode() + b"X-Large: ")
            with contextlib.suppress(OSError):
                while sent < 2**24:
                    sent += connection.socket.send(b"x" * 65_536)
            assert sent < 2**24

    def test_large_body(self, serving: Serving) -> None:
        """A body that comes together with the end of a slow head is none of its bytes."""
        body = "x" * 60_000
        head = ("POST /v1/auth/login HTTP/1.1", HOST, CLOSE, f"Content-Length: {len(body)}")
        with serving.connect() as connection:
            connection.socket.sendall(b"POST /v1/auth/login HTTP/1.1\r\n")
            connection.send(*head[1:], body=body.encode())
            answer = connection.answer()
            assert answer
            assert answer.status in {400, 413, 415}

    @pytest.mark.parametrize(
        "sent", ["", "GET /healthz HTTP/1.1\r\nHo", "\r\n"], ids=["nothing", "a part", "an empty line"]
    )
    @pytest.mark.parametrize("is_first", [True, False], ids=["first", "second"])
    def test_late(self, probed: Serving, sent: str, *, is_first: bool) -> None:
        """A connection ends whose client doesn't send a whole head, however often it sends something."""
        with probed.connect() as connection:
            if not is_first:
                connection.send("GET /healthz HTTP/1.1", HOST)
                assert connection.answer()
            connection.socket.sendall(sent.encode())
            assert connection.answer() is None

    def test_in_time(self, probed: Serving) -> None:
        """A request that takes longer than its head may, or whose body does, is answered."""
        with probed.connect() as connection:
            connection.socket.sendall(written(("POST /v1/auth/login HTTP/1.1", HOST, "Content-Length: 2")).encode())
            passing(probed, 2.5)
            connection.socket.sendall(b"{}")
            assert connection.answer()


class TestUnread:
    """An answer that nobody reads ends; one that somebody reads slowly doesn't."""

    def test_stalled(self, probed: Serving) -> None:
        with probed.connect() as connection:
            connection.send("GET /v1/probe/endless HTTP/1.1", HOST)
            passing(probed, 2.5)
            received = sum(len(piece) for piece in pieces(connection))
        assert 0 < received < 2**24

    def test_slow(self, probed: Serving) -> None:
        with probed.connect() as connection:
            connection.send("GET /v1/probe/endless HTTP/1.1", HOST)
            for _ in range(20):
                assert connection.socket.recv(65_536)
                passing(probed, 0.1)


def pieces(connection: Connection) -> Iterator[bytes]:
    """What arrives up to the end of a connection."""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.socket.recv(2**16):
            yield piece


def passing(serving: Serving, seconds: float) -> None:
    """Let time pass, in which the server answers others."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert serving.get("/healthz").status_code == 200

"""`parley health`: its exit code is that of the probe, and it asks the server that the same settings describe."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from parley_app.testing import Serving, Start, parley

_HEAVY = {"fastapi", "pymongo", "uvicorn"}


@contextmanager
def _a_server(listener: socket.socket, answer: bytes) -> Iterator[None]:
    """Answer one request with these bytes, whatever it is."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(answer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield
    thread.join(10)


class TestAlive:
    @pytest.mark.parametrize("option", [(), ("--ready",)], ids=["alive", "ready"])
    def test_a_server_is_asked_at_its_port(self, serving: Serving, option: tuple[str, ...]) -> None:
        asked = parley("health", "--port", str(serving.port), *option)
        assert (asked.returncode, asked.stdout, asked.stderr) == (0, "ok\n", "")

    @pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "localhost"])  # noqa: S104 - it is asked, not served
    def test_settings_say_where(self, serving: Serving, host: str) -> None:
        asked = parley("health", PARLEY_LISTEN_HOST=host, PARLEY_LISTEN_PORT=str(serving.port))
        assert (asked.returncode, asked.stdout) == (0, "ok\n")

    def test_a_prefix_changes_nothing(self, start: Start, tmp_path: Path) -> None:
        """Over a Unix domain socket, too."""
        place = tmp_path / "parley.sock"
        start("--uds", place, "--root-path", "/parley", "--data-dir", tmp_path / "data")
        asked = parley("health", "--ready", "--uds", place)
        assert (asked.returncode, asked.stdout, asked.stderr) == (0, "ok\n", "")

    def test_it_imports_nothing_that_serves(self, serving: Serving) -> None:
        """A probe runs every few seconds."""
        asked = parley("health", "--port", str(serving.port), PYTHONPROFILEIMPORTTIME="1")
        lines = [line for line in asked.stderr.splitlines() if line.startswith("import time:")]
        imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
        assert "typer" in imported
        assert imported & _HEAVY == set()


class TestNotAlive:
    def test_nobody_listens(self) -> None:
        asked = parley("health", "--port", "1")
        message = "parley: /healthz at port 1 of 127.0.0.1 was not answered: Connection refused\n"
        assert (asked.returncode, asked.stdout, asked.stderr) == (1, "", message)

    def test_no_socket_is_there(self, tmp_path: Path) -> None:
        asked = parley("health", "--uds", tmp_path / "gone")
        assert (asked.returncode, asked.stdout) == (1, "")
        assert asked.stderr.endswith("/gone was not answered: No such file or directory\n")

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            (b'503 x\r\n\r\n{"detail": "try\\nlater"}', "was answered 503: try later"),
            (b"503 x\r\n\r\n[]", "was answered 503"),
            (b"302 x\r\nLocation: /\r\n\r\n", "was answered 302"),
            (b"hello\r\n\r\n", "was not answered: HTTP/1.1 hello"),
        ],
        ids=["problem", "no problem", "elsewhere", "no HTTP"],
    )
    def test_another_answer(self, answer: bytes, words: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener, _a_server(listener, b"HTTP/1.1 " + answer):
            port = str(listener.getsockname()[1])
            asked = parley("health", "--ready", "--port", port)
        assert (asked.returncode, asked.stdout) == (1, "")
        assert asked.stderr == f"parley: /readyz at port {port} of 127.0.0.1 {words}\n"

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"PARLEY_LISTEN_PORT": "x"}, "PARLEY_LISTEN_PORT: Input should be a valid integer"),
            ({"PARLEY_LISTEN_PORT": "0"}, "name that with --port"),
            ({"PARLEY_LISTEN_HOST": "h\x7f.invalid", "PARLEY_LISTEN_PORT": "1"}, "was not answered: "),
        ],
        ids=["no number", "a free one", "no host"],
    )
    def test_settings_that_say_nowhere(self, settings: dict[str, str], words: str) -> None:
        asked = parley("health", **settings)
        assert (asked.returncode, asked.stderr.count("\n")) == (1, 1)
        assert words in asked.stderr

    def test_a_socket_has_no_port(self) -> None:
        assert parley("health", "--uds", "x", "--port", "1").returncode == 2

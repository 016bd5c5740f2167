"""A Unix domain socket in place of a port: who may connect, what is replaced, and what is left."""

import os
import signal
import socket
import stat
import sys
import threading
from pathlib import Path

import httpx
import pytest

from parley_app.testing import Serving, Start, eventually, lines_about, parley
from parley_app.unix_socket import listen_at
from parley_core import StartupError

if sys.platform == "win32":
    pytest.skip("Python on Windows has no Unix domain sockets", allow_module_level=True)


def client_at(path: Path) -> httpx.Client:
    """Return a client of the server that listens there."""
    return httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://parley.example", timeout=10)


def a_left_socket(path: Path) -> None:
    """Leave a socket as a killed process does."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))


class TestListen:
    def test_the_user_and_the_group_may_connect(self, tmp_path: Path) -> None:
        path = tmp_path / "parley.sock"
        before = os.umask(0)
        try:
            with listen_at(path):
                assert stat.S_IMODE(path.stat().st_mode) == 0o660
        finally:
            os.umask(before)

    def test_an_early_client_waits(self, tmp_path: Path) -> None:
        with listen_at(tmp_path / "parley.sock"), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(str(tmp_path / "parley.sock"))

    def test_it_is_removed_at_the_end(self, tmp_path: Path) -> None:
        path = tmp_path / "parley.sock"
        with listen_at(path):
            # Whoever deploys it may open it further.
            path.chmod(0o666)
        assert list(tmp_path.iterdir()) == []

    def test_what_a_killed_process_left_is_replaced(self, tmp_path: Path) -> None:
        path = tmp_path / "parley.sock"
        a_left_socket(path)
        with listen_at(path), socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))

    def test_one_that_another_uses_never_is(self, tmp_path: Path) -> None:
        path = tmp_path / "parley.sock"
        with listen_at(path) as first:
            with pytest.raises(StartupError, match=rf"^can't listen at {path} \(another process listens there\): "):
                listen_at(path).__enter__()
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(path))
                first.accept()[0].close()

    def test_nor_one_whose_queue_is_full(self, tmp_path: Path) -> None:
        path = tmp_path / "parley.sock"
        with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
            busy.bind(str(path))
            busy.listen(0)
            waiting.connect(str(path))
            with pytest.raises(StartupError, match="another process listens there"):
                listen_at(path).__enter__()
        assert path.exists()

    def test_another_process_own_is_left_to_it(self, tmp_path: Path) -> None:
        path = tmp_path / "parley.sock"
        with listen_at(path) as first:
            first.close()
            second = listen_at(path)
            second.__enter__()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        second.__exit__(None, None, None)
        assert not path.exists()

    def test_of_many_that_start_at_once_one_listens(self, tmp_path: Path) -> None:
        path = tmp_path / "parley.sock"
        a_left_socket(path)
        begin, end = threading.Barrier(8), threading.Event()
        outcomes: list[str] = []

        def start() -> None:
            begin.wait()
            try:
                with listen_at(path):
                    outcomes.append("listens")
                    end.wait()
            except StartupError:
                outcomes.append("refused")

        threads = [threading.Thread(target=start) for _ in range(8)]
        for thread in threads:
            thread.start()
        eventually(lambda: len(outcomes) == len(threads))
        end.set()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["listens", *["refused"] * 7]

    @pytest.mark.parametrize("kind", ["file", "folder", "link"])
    def test_what_is_no_such_socket_stays(self, tmp_path: Path, kind: str) -> None:
        path, other = tmp_path / "there", tmp_path / "other"
        match kind:
            case "file":
                path.write_text("kept")
            case "folder":
                path.mkdir()
            case _:
                a_left_socket(other)
                path.symlink_to(other)
        with pytest.raises(StartupError, match=r"what is there is no socket.*choose another --uds"):
            listen_at(path).__enter__()
        assert path.exists()

    def test_a_socket_of_another_kind_stays(self, tmp_path: Path) -> None:
        path = tmp_path / "log"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
            datagrams.bind(str(path))
            with pytest.raises(StartupError, match="choose another --uds"):
                listen_at(path).__enter__()
        assert path.exists()

    @pytest.mark.parametrize("name", ["absent/parley.sock", "x" * 200], ids=["no-folder", "too-long"])
    def test_a_path_that_can_not_be_is_named(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(StartupError, match=rf"^can't listen at {tmp_path / name} .*choose another --uds"):
            listen_at(tmp_path / name).__enter__()


def network_seen(path: Path, serving: Serving, **headers: str) -> str:
    """Return the network that the server takes a failed login for."""
    body = {"email": "nobody@example.com", "password": "nine green bottles"}
    with client_at(path) as client:
        request_id = client.post("/v1/auth/login", json=body, headers=headers).headers["X-Request-ID"]
    eventually(lambda: bool(lines_about(serving, request_id)))
    return str(lines_about(serving, request_id)[0]["network"])


class TestServing:
    def test_from_start_to_stop(self, start: Start, tmp_path: Path) -> None:
        """Several workers share it; its peers are this machine's, and it is gone in the end."""
        path = tmp_path / "parley.sock"
        serving = start("--uds", path, "--workers", "2", "--root-path", "/parley", "--data-dir", tmp_path / "data")
        assert "  Console  /parley/console/ of the proxy in front\n" in serving.printed
        assert f"  API      unix:{path}\n  Docs     /parley/docs of the proxy in front\n" in serving.printed
        with client_at(path) as client:
            assert client.get("/readyz").status_code == 200
        assert network_seen(path, serving) == "127.0.0.1"
        assert network_seen(path, serving, **{"X-Forwarded-For": "198.51.100.7"}) == "198.51.100.7"
        assert serving.stop() == 0
        assert not path.exists()

    def test_peers_are_trusted_as_this_machine_is(self, start: Start, tmp_path: Path) -> None:
        """After a kill the path is used again; who isn't trusted on a port isn't trusted here."""
        path = tmp_path / "parley.sock"
        options = ("--uds", path, "--data-dir", tmp_path / "data")
        killed = start.unready(*options)
        eventually(path.exists)
        killed.stop(signal.SIGKILL)
        assert path.exists()
        serving = start(*options, PARLEY_TRUSTED_PROXIES="10.0.0.0/8", PARLEY_REQUEST_ID_FROM="proxies")
        assert network_seen(path, serving, **{"X-Forwarded-For": "198.51.100.7"}) == "127.0.0.1"
        with client_at(path) as client:
            assert client.get("/healthz", headers={"X-Request-ID": "mine"}).headers["X-Request-ID"] != "mine"
        assert serving.stop() == 0

    @pytest.mark.parametrize("more", [("--port", "8000"), ("--host", "127.0.0.1")], ids=["port", "host"])
    def test_not_together_with_an_address(self, tmp_path: Path, more: tuple[str, str]) -> None:
        refused = parley("serve", "--uds", tmp_path / "parley.sock", *more)
        assert refused.returncode == 2
        assert "leave out --host and --port" in refused.stderr

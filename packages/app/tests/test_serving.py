import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from parley_app.testing import (
    PARLEY,
    Serving,
    Start,
    environment,
    eventually,
    has_ipv6,
    install_plugin,
    lines_about,
    lines_of,
    lives,
    messages,
    parley,
)
from parley_core.embedded import find_mongod, running_uri
from parley_core.embedded.paths import locate

_on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks for what is left of the processes in /proc")


class TestReady:
    def test_the_banner_says_where_everything_is(self, serving: Serving) -> None:
        assert f"  Console  http://127.0.0.1:{serving.port}/console/\n" in serving.printed
        assert f"  API      http://127.0.0.1:{serving.port}\n" in serving.printed
        assert f"  Docs     http://127.0.0.1:{serving.port}/docs\n" in serving.printed
        assert "(embedded MongoDB)\n  Workers  1\nPress Ctrl-C to stop." in serving.printed

    def test_a_new_database_is_announced_before_it_is_there(self, serving: Serving) -> None:
        assert serving.printed.startswith("Setting up a new database in ")

    def test_a_one_time_password_stands_out(self, serving: Serving) -> None:
        lines = serving.printed.split(" is ready")[0].splitlines()
        password = next(number for number, line in enumerate(lines) if "one-time password" in line)
        assert lines[password - 1] == lines[password + 1] == "=" * len(lines[password])

    @pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/openapi.json"])
    def test_it_answers(self, serving: Serving, path: str) -> None:
        assert serving.get(path).status_code == 200

    def test_no_header_names_the_server(self, serving: Serving) -> None:
        assert "server" not in serving.get("/healthz").headers

    def test_each_request_is_a_line_without_its_query(self, serving: Serving) -> None:
        serving.get("/healthz?token=secret")
        eventually(lambda: any(line["message"].startswith("GET /healthz 400 ") for line in serving.log))
        assert "secret" not in serving.logged

    def test_each_security_event_is_a_line(self, serving: Serving) -> None:
        body = {"email": "nobody@example.com", "password": "nine green bottles"}
        answer = httpx.post(f"{serving.url}/v1/auth/login", json=body, timeout=10)
        request_id = answer.headers["X-Request-ID"]
        eventually(lambda: len(lines_about(serving, request_id)) == 2)
        assert [line["event"] for line in lines_about(serving, request_id)] == ["login_failed", "request"]
        assert "nobody@" not in serving.logged
        assert "bottles" not in serving.logged

    def test_the_banner_says_what_is_switched_off(self, start: Start, tmp_path: Path) -> None:
        serving = start("--data-dir", tmp_path / "data", PARLEY_DOCS="false", PARLEY_CONSOLE="false")
        assert "Console" not in serving.printed
        assert "  Docs     switched off\n" in serving.printed
        assert [serving.get(path).status_code for path in ("/docs", "/openapi.json", "/healthz")] == [404, 404, 200]


class TestListening:
    @pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
    def test_settings_say_where(self, start: Start, tmp_path: Path) -> None:
        """`::` takes both families, and callers of IPv4 have their own addresses and not mapped ones."""
        kubernetes = {"PARLEY_PORT": "tcp://10.0.0.1:1", "PARLEY_SERVICE_HOST": "10.0.0.1"}
        listen = {"PARLEY_LISTEN_HOST": "::", "PARLEY_LISTEN_WORKERS": "2"}
        serving = start("--data-dir", tmp_path / "data", **listen, **kubernetes)
        assert f"  API      http://[::1]:{serving.port}\n" in serving.printed
        assert "  Workers  2\n" in serving.printed
        for host in ("[::1]", "127.0.0.1", "localhost"):
            body = {"email": "nobody@example.com", "password": "nine green bottles"}
            answer = httpx.post(f"http://{host}:{serving.port}/v1/auth/login", json=body, timeout=10)
            assert answer.status_code == 401
        eventually(lambda: len(lines_of("login_failed", serving)) == 3)
        assert [line["network"] for line in lines_of("login_failed", serving)][:2] == ["::/64", "127.0.0.1"]
        # Kubernetes sets both where a service is called parley; one line says which setting is the port.
        [line] = [line for line in serving.log if "Kubernetes" in line["message"]]
        assert line["message"].startswith(
            "PARLEY_PORT is set but no setting has that name; Kubernetes sets it for a service; the setting is "
        )

    def test_the_port_is_a_setting_too(self) -> None:
        """An option goes before the setting; both are shown in what goes wrong."""
        with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
            first, second = (str(taken.getsockname()[1]) for taken in (one, other))
            assert f"port {first} on 127.0.0.1 is in use" in parley("serve", PARLEY_LISTEN_PORT=first).stderr
            failed = parley("serve", "--port", second, PARLEY_LISTEN_PORT=first)
        assert (failed.returncode, f"port {second} on 127.0.0.1 is in use" in failed.stderr) == (1, True)

    @pytest.mark.parametrize(
        ("name", "value"), [("PORT", "65536"), ("PORT", "tcp://10.0.0.1:1"), ("WORKERS", "0"), ("WORKERS", "two")]
    )
    def test_a_wrong_one_is_named(self, name: str, value: str) -> None:
        failed = parley("serve", **{f"PARLEY_LISTEN_{name}": value})
        assert messages(failed.stderr)[0].startswith(f"parley: settings: PARLEY_LISTEN_{name}: ")
        assert failed.returncode == 1


class TestStopping:
    @pytest.mark.parametrize(
        ("number", "workers"),
        [
            pytest.param(signal.SIGINT, 1, id="interrupt"),
            pytest.param(signal.SIGTERM, 2, id="term-workers"),
            pytest.param(signal.SIGTERM, 1, id="term", marks=pytest.mark.chaos),
            pytest.param(signal.SIGINT, 2, id="interrupt-workers", marks=pytest.mark.chaos),
        ],
    )
    def test_a_signal_ends_all_cleanly_within_seconds(
        self, start: Start, tmp_path: Path, number: int, workers: int
    ) -> None:
        serving = start("--data-dir", tmp_path / "data", "--workers", str(workers))
        assert serving.get("/readyz").status_code == 200
        family = serving.family()
        began = time.monotonic()
        assert serving.stop(number) == 0
        # Whatever kept it would be cut off after ten seconds.
        assert time.monotonic() - began < 9
        eventually(lambda: not any(map(lives, family)), 2)
        assert not locate(tmp_path / "data").crashed
        assert "Traceback" not in serving.logged

    @pytest.mark.chaos
    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_a_second_interrupt_changes_nothing(self, start: Start, tmp_path: Path, workers: str) -> None:
        """`uv run` repeats the Ctrl-C that the terminal has already sent: the stop is clean all the same."""
        serving = start("--data-dir", tmp_path / "data", "--workers", workers)
        serving.process.send_signal(signal.SIGINT)
        assert serving.stop(signal.SIGINT) == 0
        assert "Traceback" not in serving.logged
        assert not locate(tmp_path / "data").crashed

    @pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.chaos)])
    def test_a_closed_terminal_ends_it(self, tmp_path: Path, workers: int) -> None:
        ours, theirs = os.openpty()
        command = [PARLEY, "serve", "--port", "0", "--data-dir", str(tmp_path / "data"), "--workers", str(workers)]
        with subprocess.Popen(
            [sys.executable, "-c", _IN_A_TERMINAL, *command], env=environment(), stdin=theirs, stdout=theirs
        ) as process:
            os.close(theirs)
            printed = b""
            while b"is ready" not in printed:
                printed += os.read(ours, 4096)
            family = Serving(process, tmp_path, tmp_path).family()
            process.send_signal(signal.SIGHUP)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(2)
            os.close(ours)
            assert process.wait(20) == 0
        eventually(lambda: not any(map(lives, family)), 5)

    def test_a_signal_before_it_is_ready_ends_it_too(self, start: Start, tmp_path: Path) -> None:
        serving = start.unready("--data-dir", tmp_path / "data")
        eventually(lambda: "Setting up" in serving.printed)
        assert serving.stop() == 0
        assert running_uri(tmp_path / "data") is None


_IN_A_TERMINAL = """
import fcntl, os, sys, termios

os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class TestRefusals:
    def test_a_data_directory_in_use_is_refused_with_the_process(self, serving: Serving) -> None:
        refused = parley("serve", "--port", "0", "--data-dir", serving.data_dir)
        assert refused.returncode == 1
        advice = f"is in use by process {serving.process.pid}: stop it, or choose another --data-dir"
        assert messages(refused.stderr) == [f"parley: the data directory {serving.data_dir} {advice}"]

    def test_a_port_in_use_is_refused_before_anything_is_started(self, serving: Serving, tmp_path: Path) -> None:
        refused = parley("serve", "--port", str(serving.port), "--data-dir", tmp_path / "data")
        assert refused.returncode == 1
        assert messages(refused.stderr)[0].startswith(f"parley: port {serving.port} on 127.0.0.1 is in use: ")
        assert not (tmp_path / "data").exists()

    def test_an_unusable_data_directory_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        refused = parley("serve", "--port", "0", "--data-dir", tmp_path / "file")
        assert refused.returncode == 1
        [reason] = messages(refused.stderr)
        assert reason.startswith(f"parley: the data directory {tmp_path / 'file'} can't be used")

    def test_no_binary_is_one_line_with_what_to_do(self, tmp_path: Path) -> None:
        settings = {"PARLEY_MONGOD": str(tmp_path / "nowhere"), "PARLEY_DATA_DIR": str(tmp_path / "data")}
        refused = parley("serve", "--port", "0", **settings)
        assert refused.returncode == 1
        [reason] = messages(refused.stderr)
        assert reason.startswith(f"parley: PARLEY_MONGOD names {tmp_path / 'nowhere'}, which is not a file: ")


class TestFailedStart:
    def test_the_reason_is_one_line(self, tmp_path: Path) -> None:
        install_plugin(tmp_path, "failing", _FAILING.format(where="True"))
        failed = parley("serve", "--port", "0", "--data-dir", tmp_path / "data", PYTHONPATH=str(tmp_path))
        assert (failed.returncode, messages(failed.stderr)) == (1, ["parley: the disk is full"])

    def test_a_worker_that_fails_ends_all(self, tmp_path: Path) -> None:
        source = _FAILING.format(where="multiprocessing.parent_process()")
        install_plugin(tmp_path, "failing", source.replace("parley_lifespan(parley)", "parley_events()"))
        options = ("--port", "0", "--workers", "2", "--data-dir", tmp_path / "data")
        failed = parley("serve", *options, PYTHONPATH=str(tmp_path))
        assert failed.returncode == 1
        *reasons, last = messages(failed.stderr)
        assert "parley: the disk is full" in reasons
        assert last == "parley: a worker could not start; the reason is printed above"
        assert "Traceback" not in failed.stderr
        assert "is ready" not in failed.stdout


_FAILING = """
import multiprocessing

from parley_core import StartupError, hookimpl


@hookimpl
def parley_lifespan(parley):
    if {where}:
        raise StartupError("the disk is full")
"""


class TestExternalDatabase:
    @pytest.mark.parametrize("workers", ["1", "2"])
    def test_a_standalone_server_is_refused_in_one_line(self, standalone: str, workers: str) -> None:
        refused = parley("serve", "--port", "0", "--workers", workers, **_external(standalone))
        assert refused.returncode == 1
        [reason] = messages(refused.stderr)
        assert reason.startswith("parley: MongoDB can't be used: 127.0.0.1:")
        assert ": this is a standalone server, but Parley needs a replica set" in reason

    def test_a_replica_set_is_used_without_a_data_directory(
        self, start: Start, mongodb_uri: str, tmp_path: Path
    ) -> None:
        serving = start("--workers", "2", "--data-dir", tmp_path / "data", **_external(mongodb_uri))
        assert "  Data     the MongoDB that PARLEY_MONGODB_URI names\n" in serving.printed
        assert serving.get("/readyz").status_code == 200
        assert not (tmp_path / "data").exists()
        assert serving.stop() == 0


def _external(uri: str) -> dict[str, str]:
    return {"PARLEY_MONGODB_URI": uri, "PARLEY_JWT_SECRET": secrets.token_urlsafe(48)}


@pytest.fixture(scope="module")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> object:
    """The URI of a mongod that isn't a replica set."""
    folder = tmp_path_factory.mktemp("standalone")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [str(find_mongod()), "--dbpath", str(folder), "--bind_ip", "127.0.0.1", "--port", str(port)]
    mongod = subprocess.Popen([*command, "--nounixsocket"], stdout=subprocess.DEVNULL)
    yield f"mongodb://127.0.0.1:{port}/?directConnection=true"
    mongod.terminate()
    mongod.wait(20)

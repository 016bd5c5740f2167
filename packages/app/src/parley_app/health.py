"""`parley health`: a probe of the server that the same settings describe, for images without an HTTP client."""

import http.client
import json
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from parley_app.listening import on_this_machine

# The server answers /readyz within 5.5 s, whatever the database does.
_SECONDS = 6


_MOST_BYTES = 65536
Connect = Callable[[], http.client.HTTPConnection]


class _UnixConnection(http.client.HTTPConnection):
    """A connection to a Unix domain socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_SECONDS)
        self.sock.connect(str(self._path))


def at_port(host: str, port: int, path: str) -> str | None:
    """Ask a server on this machine for a probe; return what is wrong, None where it is answered 200.

    Args:
        host: the address that the server listens on; one that stands for all is asked at this machine's own.
        port: its port.
        path: the probe.
    """
    if port == 0:
        return "port 0 is a free one that the server has chosen: name that with --port"
    return _problem(to_port(host, port), path, f"port {port} of {on_this_machine(host)}")


def at_socket(uds: Path, path: str) -> str | None:
    """Ask the server that listens at a Unix domain socket, as `at_port` does."""
    return _problem(to_socket(uds), path, str(uds))


def to_port(host: str, port: int) -> Connect:
    """Return what makes connections to this machine's port."""
    return lambda: http.client.HTTPConnection(on_this_machine(host), port, timeout=_SECONDS)


def to_socket(uds: Path) -> Connect:
    """Return what makes connections to a Unix domain socket."""
    return lambda: _UnixConnection(uds)


def is_parley(connect: Connect) -> bool:
    """Return whether a Parley answers there, one that can't serve yet included."""
    try:
        with closing(connect()) as connection:
            connection.request("GET", "/", headers={"Connection": "close"})
            answer = json.loads(connection.getresponse().read(_MOST_BYTES))
            return answer.get("name") == "Parley" or str(answer.get("type")).startswith("urn:parley:")
    except (OSError, ValueError, AttributeError, http.client.HTTPException):
        return False


def _problem(connect: Connect, path: str, place: str) -> str | None:
    try:
        with closing(connect()) as connection:
            connection.request("GET", path, headers={"Connection": "close"})
            answer = connection.getresponse()
            is_well = answer.status == http.client.OK
            return (
                None
                if is_well
                else f"{path} at {place} was answered {answer.status}{_detail(answer.read(_MOST_BYTES))}"
            )
    except (OSError, UnicodeError, http.client.HTTPException) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return f"{path} at {place} was not answered: {reason.strip()}"


def _detail(body: bytes) -> str:
    """Return what a problem says, with what goes before it; nothing for any other answer."""
    try:
        return f": {json.loads(body)['detail']}"
    except (ValueError, KeyError, TypeError):
        return ""

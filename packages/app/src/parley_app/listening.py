"""The socket on which `parley serve` accepts connections."""

import errno
import socket

from parley_core import StartupError

_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - shown to the user, not bound to
_BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens already: a client that connects while the application starts waits for its answer.

    Raises:
        StartupError: the address is in use, not allowed, or not an address of this machine.
    """
    try:
        # A name such as localhost has several addresses; most clients try IPv4 first.
        found = sorted(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), key=lambda entry: entry[0])
        family, _, _, _, address = found[0]
        return socket.create_server(address, family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        raise StartupError(_advice(error, host, port)) from error


def url_of(listener: socket.socket, host: str) -> str:
    """Return the address to open in a browser on this machine."""
    shown = _EVERY_ADDRESS.get(host, host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}"


def _advice(error: Exception, host: str, port: int) -> str:
    match getattr(error, "errno", None):
        case errno.EADDRINUSE:
            return f"port {port} on {host} is in use: stop the process that uses it, or choose another --port"
        case errno.EACCES:
            return f"this user may not listen on port {port} of {host}: choose a --port from 1024 to 65535"
        case _:
            return f"can't listen on host '{host}' ({error}): choose an address of this machine, or 0.0.0.0 for all"

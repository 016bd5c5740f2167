"""The socket that `parley serve` answers on."""

import errno
import socket

from parley_core import StartupError

_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - shown to the user, not bound to
_BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens at once: whoever comes while the application starts waits instead of being refused.

    Raises:
        StartupError: the address is taken, not allowed, or not this machine's.
    """
    try:
        # With a name such as localhost the older family comes first, as most clients try it.
        found = sorted(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), key=lambda entry: entry[0])
        family, _, _, _, address = found[0]
        return socket.create_server(address, family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        raise StartupError(_advice(error, host, port)) from error


def url_of(listener: socket.socket, host: str) -> str:
    """The address to open in a browser on this machine."""
    shown = _EVERY_ADDRESS.get(host, host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}"


def _advice(error: Exception, host: str, port: int) -> str:
    match getattr(error, "errno", None):
        case errno.EADDRINUSE:
            return f"port {port} on {host} is in use: stop what listens there, or choose another --port"
        case errno.EACCES:
            return f"port {port} on {host} is not allowed to this user: choose a --port from 1024 on"
        case _:
            return f"can't listen on host '{host}' ({error}): choose an address of this machine, or 0.0.0.0 for all"

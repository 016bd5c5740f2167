"""The socket on which `parley serve` accepts connections."""

import errno
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

from parley_core import StartupError

BACKLOG = 2048
_MAPPED = "::ffff:"
Peer = tuple[str, int]
_THIS_MACHINE: Peer = ("127.0.0.1", 0)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens already: a client that connects while the application starts waits for its answer.

    `::` means all addresses, those of IPv4 too where the platform can.

    Raises:
        StartupError: the address is in use, not allowed, or not an address of this machine.
    """
    with _advising(host, port):
        family, address, both = _place(host, port)
        return socket.create_server(address, family=family, backlog=BACKLOG, dualstack_ipv6=both)


def check_free(host: str, port: int) -> None:
    """Raise `StartupError` where `listen` would; nobody can connect meanwhile."""
    with _advising(host, port):
        family, address, both = _place(host, port)
        with socket.socket(family) as probe:
            if sys.platform != "win32":
                # As for a server: what is left of connections that have ended keeps nobody from listening.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not both)
            probe.bind(address)


def _place(host: str, port: int) -> tuple[socket.AddressFamily, Any, bool]:
    """Return family and address to listen on, and whether the other family is meant too."""
    # A name such as localhost has several addresses; most clients try IPv4 first.
    found = sorted(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), key=lambda entry: entry[0])
    family, _, _, _, address = found[0]
    is_every = family == socket.AF_INET6 and ip_address(address[0]).is_unspecified
    return family, address, is_every and socket.has_dualstack_ipv6()


@contextmanager
def _advising(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except (OSError, UnicodeError) as error:
        raise StartupError(_advice(error, host, port)) from error


def peer_of(client: Peer | None, *, by_unix_socket: bool = False) -> Peer | None:
    """Return the address of a connection's client; one of IPv4 as such, although a socket of both families maps it.

    Who comes by a Unix domain socket is on this machine, and has no address that would say so.
    """
    if by_unix_socket:
        return _THIS_MACHINE
    return (client[0].removeprefix(_MAPPED), client[1]) if client else None


def url_of(listener: socket.socket, host: str) -> str:
    """Return the address to open in a browser on this machine."""
    shown = on_this_machine(host)
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}"


def on_this_machine(host: str) -> str:
    """Return the address at which this machine reaches what listens on `host`."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"  # noqa: PLR2004 - IPv4


def _advice(error: Exception, host: str, port: int) -> str:
    match getattr(error, "errno", None):
        case errno.EADDRINUSE:
            return f"port {port} on {host} is in use: stop the process that uses it, or choose another --port"
        case errno.EACCES:
            return f"this user may not listen on port {port} of {host}: choose a --port from 1024 to 65535"
        case _:
            return (
                f"can't listen on host '{host}' ({error}): choose an address of this machine, or 0.0.0.0 or :: for all"
            )

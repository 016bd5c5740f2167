"""Why no primary can be found: each host of a MongoDB URI is looked at by itself."""

import asyncio
import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from pymongo import AsyncMongoClient
from pymongo.errors import ConfigurationError, OperationFailure, PyMongoError
from pymongo.uri_parser import parse_host, parse_uri

from parley_core.data.causes import Cause, Finding, cause_of, cause_of_refusal, name_of
from parley_core.data.documents import Document

Node = tuple[str, int | None]
_SECONDS = 2
_OF_CONNECTING: Sequence[tuple[type[Exception], Cause]] = (
    (socket.gaierror, Cause.NO_ADDRESS),
    (UnicodeError, Cause.NO_ADDRESS),
    (ConnectionRefusedError, Cause.REFUSED),
    (FileNotFoundError, Cause.NO_SOCKET),
    (TimeoutError, Cause.SILENT),
    (Exception, Cause.UNREACHABLE),
)
"""The first kind that an error is of counts."""
_OF_TALKING: Sequence[tuple[str, Cause]] = (
    ("certificate verify failed", Cause.UNTRUSTED),
    ("SSL handshake failed", Cause.NO_TLS),
    ("closed", Cause.CLOSED),
    ("reset", Cause.CLOSED),
    ("", Cause.SILENT),
)
"""What the driver's message contains; it has no other sign of this."""


async def examine(uri: str) -> list[Finding]:
    """Look at every host of a URI, and at those that these name as members; return what is wrong, never nothing.

    No user and no password is sent.
    """
    try:
        seeds, options = await _read(uri)
    except PyMongoError:
        return [Finding(_service_of(uri), Cause.NO_SERVICE)]
    looks = await _look_at(seeds, options)
    others = () if options.get("directConnection") else _members(looks, seeds)
    looks += [(_as_a_member(finding), answer) for finding, answer in await _look_at(others, options)]
    return [finding for finding, _ in looks if finding] or _of_all(seeds, Cause.PASSING)


async def findings_of_refusal(uri: str, error: OperationFailure, database: str) -> list[Finding]:
    """Return what a server means that refuses a command; it speaks for all, since they have the same users."""
    seeds, _ = await _read(uri)
    return _of_all(seeds, cause_of_refusal(error.code, has_user="@" in uri), database=database, reason=str(error.code))


async def _read(uri: str) -> tuple[list[Node], Mapping[str, Any]]:
    """Return the hosts and the options of a URI; where it names a service, DNS is asked."""
    parsed = await asyncio.to_thread(parse_uri, uri, connect_timeout=_SECONDS)
    return list(dict.fromkeys(parsed["nodelist"])), parsed["options"]


def _of_all(nodes: Iterable[Node], cause: Cause, **details: str) -> list[Finding]:
    return [Finding(name_of(*node), cause, details) for node in nodes]


def _service_of(uri: str) -> str:
    return uri.rpartition("@")[2].removeprefix("mongodb+srv://").partition("/")[0].partition("?")[0]


async def _look_at(nodes: Iterable[Node], options: Mapping[str, Any]) -> list[tuple[Finding | None, Document]]:
    return list(await asyncio.gather(*(_look(node, options) for node in nodes)))


async def _look(node: Node, options: Mapping[str, Any]) -> tuple[Finding | None, Document]:
    """Return what is wrong with one host, if anything, and what it says of itself."""
    host = name_of(*node)
    try:
        await _connect(*node)
        answer = await _ask(node, options)
    except (OSError, UnicodeError) as error:
        cause = next(cause for kind, cause in _OF_CONNECTING if isinstance(error, kind))
        return Finding(host, cause, {"reason": getattr(error, "strerror", None) or type(error).__name__}), {}
    except ConfigurationError as error:
        return Finding(host, Cause.TOO_OLD, {"reason": str(error).partition(",")[0]}), {}
    except PyMongoError as error:
        return Finding(host, next(cause for text, cause in _OF_TALKING if text in str(error))), {}
    return _finding_of(host, answer, options), answer


def _finding_of(host: str, answer: Document, options: Mapping[str, Any]) -> Finding | None:
    expected = options.get("replicaSet")
    cause = cause_of(answer, expected=expected, is_direct=bool(options.get("directConnection")))
    details = {"actual": answer.get("setName"), "expected": expected, "primary": answer.get("primary")}
    return Finding(host, cause, {name: str(value) for name, value in details.items()}) if cause else None


async def _connect(host: str, port: int | None) -> None:
    """Connect to a socket, or to the first address of a host that takes connections; raise the last one's error."""
    addresses = [] if port is None else await _addresses(host, port)
    for address in addresses[:-1]:
        with suppress(OSError):
            return await _connect_to(address, port)
    return await _connect_to(addresses[-1] if addresses else host, port)


async def _addresses(host: str, port: int) -> list[str]:
    try:
        async with asyncio.timeout(_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise socket.gaierror from None
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def _connect_to(address: str, port: int | None) -> None:
    async with asyncio.timeout(_SECONDS):
        opening = asyncio.open_unix_connection(address) if port is None else asyncio.open_connection(address, port)
        _, writer = await opening
        writer.close()
        await writer.wait_closed()


async def _ask(node: Node, options: Mapping[str, Any]) -> Document:
    # Connecting has to fail first, since the error of the selection then says why.
    limits = {"serverSelectionTimeoutMS": _SECONDS * 1000, "connectTimeoutMS": _SECONDS * 750}
    chosen: Mapping[str, Any] = {
        **limits,
        **{name: value for name, value in options.items() if name.lower().startswith("tls")},
    }
    uri = f"mongodb://{quote(name_of(*node), safe=':[]')}/"
    async with AsyncMongoClient[Document](uri, directConnection=True, **chosen) as client:
        return await client.admin.command("hello")


def _members(looks: Iterable[tuple[Finding | None, Document]], known: Sequence[Node]) -> list[Node]:
    """Return the members that answers name, without those that are known."""
    kinds = ("hosts", "passives", "arbiters")
    named = {host: None for _, answer in looks for kind in kinds for host in answer.get(kind, ())}
    nodes = [(host, None) if host.startswith("/") else parse_host(host) for host in named]
    return [node for node in nodes if node not in known]


def _as_a_member(finding: Finding | None) -> Finding | None:
    if finding and finding.cause is Cause.NO_ADDRESS:
        return replace(finding, cause=Cause.NO_ADDRESS_OF_MEMBER)
    return finding

"""Requests that no HTTP library sends, byte for byte, each over a connection of its own."""

import asyncio

import httpx
from corpus import Sent

_SECONDS = 10
_HOST = (b"Host", b"test")
_NO_ADDRESS = httpx.URL("http://test/no-address-at-all")
UNREAD = b"Invalid HTTP request received."
"""The body of the server's answer to what is no HTTP, which no application gets to see."""


async def exchange(port: int, sent: Sent) -> httpx.Response:
    """Send a request and return its answer, without its body where that has no length, as a stream's hasn't.

    The connection stays open: were it closed while a body is sent, the answer could be lost.

    Raises:
        TimeoutError: there was none in time.
        ConnectionError: the connection was closed without one.
    """
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_bytes_of(sent))
        async with asyncio.timeout(_SECONDS):
            return await _answer(reader, sent)
    finally:
        writer.close()


def _bytes_of(sent: Sent) -> bytes:
    names = {name.lower() for name, _ in sent.headers}
    host = () if b"host" in names else (_HOST,)
    length = (b"Content-Length", b"%d" % len(sent.content))
    headers = (*host, *sent.headers, length)
    lines = [b"%s %s HTTP/1.1" % (sent.method.encode(), sent.target), *(b": ".join(header) for header in headers)]
    return b"\r\n".join((*lines, b"", sent.content))


async def _answer(reader: asyncio.StreamReader, sent: Sent) -> httpx.Response:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        raise ConnectionError(error.partial) from error
    first, *lines = head.rstrip().split(b"\r\n")
    headers = [(name, value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    is_empty = sent.method == "HEAD" or int(first.split()[1]) in {204, 304}
    length = 0 if is_empty else int(dict(headers).get(b"content-length", b"0"))
    body = await reader.readexactly(length)
    kept = [header for header in headers if header[0].lower() not in {b"transfer-encoding", b"content-encoding"}]
    return httpx.Response(int(first.split()[1]), headers=kept, content=body, request=_request(sent))


def _request(sent: Sent) -> httpx.Request:
    path = sent.target.partition(b"?")[0].decode("latin-1")
    try:
        url = httpx.URL("http://test").copy_with(raw_path=path.encode())
    except (httpx.InvalidURL, UnicodeError):
        url = _NO_ADDRESS
    # The library takes dots for steps of the path, which the server doesn't.
    return httpx.Request(sent.method, url if url.raw_path == path.encode() else _NO_ADDRESS)

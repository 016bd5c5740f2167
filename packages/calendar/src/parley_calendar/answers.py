"""The answer to a request for a calendar: the file, or 304 where the client has it already."""

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Header, Response

from parley_calendar.writing import MEDIA_TYPE
from parley_core.http.entity_tags import EntityTags
from parley_core.http.sent_headers import ETAG, SentHeader

# Whoever gets such an address by mistake shall neither keep what is behind it nor pass it on.
_HEADERS = {
    "Cache-Control": "private, no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "Content-Disposition": 'attachment; filename="interviews.ics"',
}
_EXAMPLE = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Parley//Interviews//EN\r\nBEGIN:VEVENT\r\n"
    "UID:665f1c2ab7e4f90d1c3a5b77@parley\r\nSEQUENCE:0\r\nDTSTAMP:20270220T080000Z\r\nDTSTART:20270301T093000Z\r\n"
    "DTEND:20270301T103000Z\r\nSUMMARY:Backend engineer\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "An iCalendar object (RFC 5545).",
        "content": {MEDIA_TYPE: {"schema": {"type": "string", "contentMediaType": MEDIA_TYPE}, "example": _EXAMPLE}},
    },
    304: {"description": "The answer that you have is current; there is no body"},
}


async def _known(
    if_none_match: Annotated[
        list[str] | None,
        Header(
            alias="If-None-Match",
            description="The `ETag` of the answer that you have, or several with commas: if it is current, 304.",
        ),
    ] = None,
) -> Sequence[str]:
    return if_none_match or ()


KnownTagsDep = Annotated[Sequence[str], Depends(_known)]


class CalendarFile(Response):
    """A calendar, named by the digest of its bytes.

    Args:
        content: the calendar.
        known: the values of `If-None-Match`; where they name the calendar, the answer is 304 without a body.
    """

    media_type: str | None = MEDIA_TYPE
    sent_headers = (
        ETAG,
        SentHeader("Content-Disposition", "The name under which browsers store the file."),
        SentHeader("Referrer-Policy", "`no-referrer`: the address is passed on to no other site."),
        SentHeader("X-Robots-Tag", "`noindex`: search engines leave it out."),
    )

    def __init__(self, content: bytes = b"", status_code: int = 200, *, known: Sequence[str] = ()) -> None:
        etag = f'"{hashlib.blake2b(content, digest_size=16).hexdigest()}"'
        if known and EntityTags.of(known).has(etag):
            self.media_type = None
            content, status_code = b"", 304
        super().__init__(content, status_code, {**_HEADERS, "ETag": etag})

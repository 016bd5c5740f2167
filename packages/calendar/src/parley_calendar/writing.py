"""Appointments as iCalendar objects (RFC 5545): the same appointments are the same bytes."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice

from parley_calendar.text import encoded, escaped
from parley_interviews.appointments import Appointment

MEDIA_TYPE = "text/calendar"
_HEAD = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Parley//Interviews//EN", "CALSCALE:GREGORIAN", "METHOD:PUBLISH"]
# RFC 7986, 5.1 and 5.7, and what was common before it.
_FEED = [
    "NAME:Interviews",
    "X-WR-CALNAME:Interviews",
    "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
    "X-PUBLISHED-TTL:PT1H",
]
_END = ["END:VCALENDAR"]
# So many take a few milliseconds; then other requests have their turn.
_AT_ONCE = 100


def file_of(appointment: Appointment) -> bytes:
    """Return the iCalendar file of one appointment."""
    return encoded([*_HEAD, *_event(appointment), *_END])


async def feed_of(appointments: Sequence[Appointment]) -> bytes:
    """Return the feed of some appointments, in their order."""
    parts, rest = [encoded([*_HEAD, *_FEED])], iter(appointments)
    while some := list(islice(rest, _AT_ONCE)):
        parts.append(encoded(line for appointment in some for line in _event(appointment)))
        await asyncio.sleep(0)
    return b"".join([*parts, encoded(_END)])


def _event(appointment: Appointment) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{appointment.id}@parley"
    yield f"SEQUENCE:{appointment.schedule_version}"
    yield f"DTSTAMP:{_utc(appointment.updated_at)}"
    yield f"CREATED:{_utc(appointment.created_at)}"
    yield f"LAST-MODIFIED:{_utc(appointment.updated_at)}"
    yield f"DTSTART:{_utc(appointment.scheduled_at)}"
    yield f"DTEND:{_utc(appointment.ends_at)}"
    yield f"STATUS:{'CANCELLED' if appointment.is_cancelled else 'CONFIRMED'}"
    yield f"SUMMARY:{escaped(appointment.title)}"
    yield f"DESCRIPTION:{escaped(_description(appointment))}"
    if appointment.location:
        yield f"LOCATION:{escaped(appointment.location)}"
    yield "END:VEVENT"


def _description(appointment: Appointment) -> str:
    zone = f"Time zone: {appointment.time_zone}"
    return f"{appointment.description}\n\n{zone}" if appointment.description else zone


def _utc(instant: datetime) -> str:
    # Instants are stored in UTC.
    return f"{instant:%Y%m%dT%H%M%SZ}"

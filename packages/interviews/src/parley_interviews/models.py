"""Interviews and those who take part in them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class Status(StrEnum):
    """Where an interview stands in its life."""

    SCHEDULED = "scheduled"
    ONGOING = "ongoing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class ParticipantRole(StrEnum):
    """As what somebody takes part."""

    INTERVIEWER = "interviewer"
    CANDIDATE = "candidate"


@dataclass(frozen=True)
class Participant:
    """Somebody who takes part, since when and by whose decision."""

    user_id: str
    participant_role: ParticipantRole
    added_by: str
    added_at: datetime


@dataclass(frozen=True, kw_only=True)
class Details:
    """What an administrator decides of an interview; `time_zone` is a key of the tz database."""

    title: str
    interview_type: str
    scheduled_at: datetime
    duration_minutes: int
    time_zone: str
    description: str | None
    location: str | None


@dataclass(frozen=True, kw_only=True)
class Interview(Details):
    """An interview without its participants and its history."""

    id: str
    status: Status
    ends_at: datetime
    rev: int
    schedule_version: int
    created_by: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class HistoryEntry:
    """One change of an interview: who did what, when, from what to what and why."""

    rev: int
    type: str
    at: datetime
    actor: str | None
    actor_role: str
    reason: str | None
    changes: Mapping[str, Any]

"""Who has left an interview, derived from its history: also from that of an interview of an earlier release."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from parley_core import HistoryEntry
from parley_interviews.events import INTERVIEW_CREATED, PARTICIPANT_ADDED, PARTICIPANT_REMOVED
from parley_interviews.models import UNKNOWN_TIME, UNKNOWN_USER, FormerParticipant, Participant, ParticipantRole

TYPES = frozenset(event.name for event in (INTERVIEW_CREATED, PARTICIPANT_ADDED, PARTICIPANT_REMOVED))
"""The types of the entries that say who came and who left."""


def former_participants(entries: Iterable[HistoryEntry], present: Iterable[Participant]) -> list[FormerParticipant]:
    """Return everybody who left and isn't back, each once, in the order of leaving.

    Args:
        entries: those of `TYPES`, oldest first.
        present: who takes part after the last entry.
    """
    came: dict[str, Participant] = {}
    left: dict[str, FormerParticipant] = {}
    for entry in entries:
        by = entry.actor or UNKNOWN_USER
        came |= {str(named["user_id"]): _participant(named, by, entry.at) for named in _named(entry, "to")}
        for named in _named(entry, "from"):
            before = came.get(named["user_id"]) or _participant(named, UNKNOWN_USER, UNKNOWN_TIME)
            # Taken out first: who leaves a second time leaves last.
            left.pop(before.user_id, None)
            left[before.user_id] = FormerParticipant(**vars(before), removed_by=entry.actor, removed_at=entry.at)
    is_back = {participant.user_id for participant in present}
    return [former for user_id, former in left.items() if user_id not in is_back]


def _named(entry: HistoryEntry, side: str) -> list[Mapping[str, Any]]:
    """Return the participants whom an entry names on one side of its change."""
    one = entry.changes.get("participant", {}).get(side)
    return [one] if one else entry.changes.get("participants", {}).get(side) or []


def _participant(named: Mapping[str, Any], added_by: str, added_at: datetime) -> Participant:
    role = ParticipantRole(named.get("participant_role", ParticipantRole.CANDIDATE))
    return Participant(named["user_id"], role, added_by, added_at)

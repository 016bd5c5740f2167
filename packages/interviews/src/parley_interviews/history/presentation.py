"""How the history of an interview looks to one viewer: nobody misses an entry, but candidates don't see all of each."""

from dataclasses import replace
from typing import Any

from parley_auth import Principal
from parley_core import HistoryEntry

_CONFLICTS = "conflicts"
# What candidates may see. A field that is recorded later stays hidden from them until it is named here.
_FIELDS = frozenset(
    {
        "title",
        "interview_type",
        "scheduled_at",
        "duration_minutes",
        "ends_at",
        "time_zone",
        "description",
        "location",
        "external_id",
        "status",
        "participant",
        "participants",
    }
)


def shown_to(viewer: Principal, entry: HistoryEntry, *, with_internals: bool, lists_all: bool) -> HistoryEntry:
    """Return an entry as a viewer sees it.

    Args:
        viewer: the caller.
        entry: whole, as it is recorded.
        with_internals: whether they see reasons and others' ids.
        lists_all: whether they see which of others' interviews overlap; those that overlap their own they do see.
    """
    if with_internals:
        return entry if lists_all else _without_others_interviews(viewer, entry)
    changes = {
        field: {side: _value_shown_to(viewer, value) for side, value in change.items()}
        for field, change in entry.changes.items()
        if field in _FIELDS
    }
    return replace(entry, actor=_own_id(viewer, entry.actor), reason=None, changes=changes)


def _without_others_interviews(viewer: Principal, entry: HistoryEntry) -> HistoryEntry:
    if not (conflicts := entry.changes.get(_CONFLICTS)):
        return entry
    shown = [one if one["user_id"] == viewer.id else {**one, "interview_id": None} for one in conflicts["to"]]
    return replace(entry, changes={**entry.changes, _CONFLICTS: {**conflicts, "to": shown}})


def _value_shown_to(viewer: Principal, value: Any) -> Any:
    """Return a value; a participant in it is shown by role alone, unless it is the viewer."""
    match value:
        case list():
            return [_value_shown_to(viewer, one) for one in value]
        case {"user_id": user_id}:
            return {"user_id": _own_id(viewer, user_id), "participant_role": value.get("participant_role")}
        case _:
            return value


def _own_id(viewer: Principal, user_id: str | None) -> str | None:
    return user_id if user_id == viewer.id else None

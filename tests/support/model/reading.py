"""Every read of the product, and the status that it must answer whom."""

from collections.abc import Mapping
from dataclasses import dataclass

from model.states import ADMIN, Account, Answer, Interview, refusal

OF_INTERVIEWS = {
    "": "read",
    "/participants": "read",
    "/participants?former=true": "read",
    "/history": "read",
    "/attendance": "read",
    "/calendar.ics": "read",
    "/conflicts": "conduct",
    "/messages": "talk",
    "/messages?sort=-seq&limit=2": "talk",
}
OF_ADMINISTRATORS = (
    "/users",
    "/users?q=example",
    "/users/{user_id}",
    "/users/{user_id}/history",
    "/events",
    "/events?subject_id={interview_id}",
    "/events/types",
    "/webhooks",
    "/api-keys",
    "/system/policy",
    "/schedule?user_id={user_id}",
)
OF_EVERYBODY = (
    "/interviews",
    "/interviews?sort=title&limit=3",
    "/interviews?q=secret",
    "/users/me",
    "/auth/sessions",
    "/calendar/feeds",
    "/schedule",
)
PLACES = (*(f"/interviews/{{interview_id}}{rest}" for rest in OF_INTERVIEWS), *OF_ADMINISTRATORS, *OF_EVERYBODY)
_OK = Answer(200)


@dataclass(frozen=True)
class Reader:
    """Who reads: their id, and their account; None for nobody."""

    id: str
    account: Account | None


def expected(place: str, reader: Reader, user_id: str, interview: Interview) -> Answer:
    """Return what a reader must be answered; `user_id` and the interview are those that the address names."""
    if reader.account is None:
        return Answer(401, "authentication_required")
    if not reader.account.active:
        return Answer(401, "invalid_token")
    role = reader.account.role
    if place in OF_EVERYBODY:
        return _OK
    if place in OF_ADMINISTRATORS:
        is_own_schedule = place.startswith("/schedule") and user_id == reader.id
        return _OK if role == ADMIN or is_own_schedule else Answer(403, "permission_denied")
    action = OF_INTERVIEWS[place.removeprefix("/interviews/{interview_id}")]
    return refusal(action, role, interview.relation(reader.id)) or _OK


def visible(reader: Reader, interviews: Mapping[str, Interview]) -> set[str]:
    """Return the ids of the interviews in a reader's list."""
    is_admin = reader.account is not None and reader.account.role == ADMIN
    return {one for one, state in interviews.items() if is_admin or state.relation(reader.id) != "outsider"}

"""How a participant looks to one viewer."""

from parley_auth import ScopedAccess, User
from parley_interviews.models import FormerParticipant, Participant
from parley_interviews.participants import schemas
from parley_interviews.policy import READ_INTERNAL


def shown_to(access: ScopedAccess, participant: Participant, user: User | None) -> schemas.Participant:
    """Return a participant, or somebody who was one, as the caller sees them.

    Args:
        access: the caller's. Without the right to read what is internal they see no e-mail but their own, and not who
            removed somebody.
        participant: present or former.
        user: their account.
    """
    sees_all, own_id = access.permits(READ_INTERNAL), access.principal.id
    former = participant if isinstance(participant, FormerParticipant) else None
    removed_by = former.removed_by if former else None
    return schemas.Participant(
        user_id=participant.user_id,
        participant_role=participant.participant_role,
        name=user.name if user else None,
        email=user.email if user and (sees_all or own_id == participant.user_id) else None,
        active=user is not None and user.active,
        added_by=participant.added_by,
        added_at=participant.added_at,
        removed_by=removed_by if sees_all or own_id == removed_by else None,
        removed_at=former.removed_at if former else None,
    )

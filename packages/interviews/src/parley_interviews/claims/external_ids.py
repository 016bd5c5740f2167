"""An interview that exists gets another external id."""

from datetime import datetime

from parley_core import Session
from parley_interviews.claims.models import AlreadyClaimed
from parley_interviews.claims.policy import external_id_claim
from parley_interviews.claims.repository import ClaimRepository
from parley_interviews.errors import DuplicateExternalId
from parley_interviews.models import Interview


async def exchange(
    claims: ClaimRepository, before: Interview, after: Interview, *, at: datetime, session: Session
) -> None:
    """Free the external id of an interview and claim its new one, in the transaction that changes it.

    Raises:
        DuplicateExternalId: another interview has the new one.
    """
    if before.external_id == after.external_id:
        return
    if before.external_id is not None:
        await claims.release(external_id_claim(before.external_id), session)
    if after.external_id is not None:
        try:
            await claims.add([external_id_claim(after.external_id)], after.id, at=at, session=session)
        except AlreadyClaimed as error:
            raise DuplicateExternalId from error

"""Creating interviews by requests that can be repeated: with an external id, an `Idempotency-Key` or both."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from parley_auth import Access
from parley_auth.errors import PermissionDenied
from parley_core import Clock
from parley_interviews.claims.models import AlreadyClaimed, Claim, Claimed
from parley_interviews.claims.policy import external_id_claim, key_claim
from parley_interviews.claims.repository import ClaimRepository
from parley_interviews.errors import IdempotencyKeyReused, InterviewNotFound
from parley_interviews.interviews import schemas
from parley_interviews.interviews.new_interviews import NewInterviews
from parley_interviews.interviews.presentation import InterviewPresenter, Shown
from parley_interviews.interviews.repository import InterviewRepository
from parley_interviews.policy import READ


@dataclass(frozen=True)
class Created:
    """An interview, and whether this request has created it."""

    shown: Shown
    is_new: bool


class InterviewCreations:
    """Creates interviews, each once however often a request for it is repeated, also at the same moment."""

    def __init__(
        self,
        *,
        new: NewInterviews,
        interviews: InterviewRepository,
        claims: ClaimRepository,
        presenter: InterviewPresenter,
        clock: Clock,
    ) -> None:
        self._new = new
        self._interviews = interviews
        self._claims = claims
        self._presenter = presenter
        self._clock = clock

    async def create(self, wanted: schemas.InterviewCreate, access: Access, *, idempotency_key: str | None) -> Created:
        """Create an interview, or return the one that has this external id or came of this `Idempotency-Key`.

        Raises:
            IdempotencyKeyReused: the caller has sent this key with another body.
            PermissionDenied: the interview is there, and the caller, an API key, may not read it.
            ParleyError: see `NewInterviews.create`.
        """
        at = self._clock()
        if not (claims := _claims_of(wanted, access, idempotency_key, at)):
            return Created(await self._new.create(wanted, access), is_new=True)
        while True:
            # Whoever claims one of the names at the same moment has created the interview: it is found then.
            with suppress(AlreadyClaimed):
                if known := await self._known(claims, at):
                    return Created(await self._shown(known, access), is_new=False)
                return Created(await self._new.create(wanted, access, claims=claims), is_new=True)

    async def _known(self, claims: Sequence[Claim], at: datetime) -> str | None:
        """Return the interview that has one of the names, which now has the request's `Idempotency-Key` too."""
        found = await self._claims.find(claims, at=at)
        if (interview_id := _owner(claims, found)) is None:
            return None
        unused = [claim for claim in claims if claim.expires_at and claim.name not in found]
        await self._claims.add(unused, interview_id, at=at)
        return interview_id

    async def _shown(self, interview_id: str, access: Access) -> Shown:
        if (found := await self._interviews.seen_by(access.principal.id, interview_id)) is None:
            raise InterviewNotFound
        interview, relation = found
        is_own = interview.created_by == access.principal.id
        if not is_own and not access.permits_as(relation, READ, state=interview.status):
            raise PermissionDenied
        return self._presenter.present(interview, access, relation)


def _claims_of(
    wanted: schemas.InterviewCreate, access: Access, idempotency_key: str | None, at: datetime
) -> list[Claim]:
    claims = []
    if idempotency_key is not None:
        # Without defaults, so that a field of a later release doesn't change what was sent before.
        body = wanted.model_dump_json(exclude_defaults=True)
        claims.append(key_claim(idempotency_key, creator_id=access.principal.id, body=body, at=at))
    if wanted.external_id is not None:
        claims.append(external_id_claim(wanted.external_id))
    return claims


def _owner(claims: Sequence[Claim], found: Mapping[str, Claimed]) -> str | None:
    """Return the interview that the first known one of the names belongs to; raise where its body was another."""
    for claim in claims:
        if known := found.get(claim.name):
            if known.body != claim.body:
                raise IdempotencyKeyReused
            return known.interview_id
    return None

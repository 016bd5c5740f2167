"""Claims in MongoDB.

They are a collection of their own, since a unique index of another field would keep interviews from being sharded by
their id (docs/decisions/0041).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from pymongo.errors import DuplicateKeyError

from parley_core import Database, Document, Session
from parley_interviews.claims.models import AlreadyClaimed, Claim, Claimed
from parley_interviews.indexes import CLAIMS

# Not along the index by which expired ones are deleted.
_BY_NAME = "_id_"


class ClaimRepository:
    """Reads and writes claims."""

    def __init__(self, database: Database) -> None:
        self._claims = database[CLAIMS]

    async def find(self, claims: Iterable[Claim], *, at: datetime) -> Mapping[str, Claimed]:
        """Return those of these names that belong to an interview at this instant."""
        where = {"_id": {"$in": [claim.name for claim in claims]}, "expires_at": {"$not": {"$lte": at}}}
        found = await self._claims.find(where).hint(_BY_NAME).to_list()
        return {claim["_id"]: Claimed(claim["interview_id"], claim.get("body")) for claim in found}

    async def add(
        self, claims: Iterable[Claim], interview_id: str, *, at: datetime, session: Session | None = None
    ) -> None:
        """Give these names to an interview; one that has expired but is still stored is free.

        Raises:
            AlreadyClaimed: one of them belongs to an interview.
        """
        for claim in claims:
            document: Document = {"interview_id": interview_id}
            if claim.expires_at:
                document |= {"body": claim.body, "expires_at": claim.expires_at}
            expired = {"_id": claim.name, "expires_at": {"$lte": at}}
            try:
                await self._claims.replace_one(expired, document, upsert=True, hint=_BY_NAME, session=session)
            except DuplicateKeyError as error:
                raise AlreadyClaimed from error

    async def release(self, claim: Claim, session: Session) -> None:
        """Free a name, so that another interview can have it."""
        await self._claims.delete_one({"_id": claim.name}, session=session)

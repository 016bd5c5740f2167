"""Locking the accounts of callers, so that nothing that they send lands after their rights have ended."""

from collections.abc import Collection, Sequence

from parley_auth.authorization.scopes import TOUCH
from parley_auth.indexes import USERS
from parley_auth.models import Principal
from parley_core import Clock, Database, Document, Session


class AccountLock:
    """Touches the accounts of callers inside a transaction, which then conflicts with every change of them.

    Args:
        database: the database of the accounts.
        clock: returns the time.
        checks_sessions: whether the callers' sessions are auth's own, so that an ended one counts. API keys are
            auth's own in any case.
    """

    def __init__(self, *, database: Database, clock: Clock, checks_sessions: bool) -> None:
        self._users = database[USERS]
        self._clock = clock
        self._checks_sessions = checks_sessions

    async def lock(self, session: Session, callers: Sequence[Principal]) -> Collection[Principal]:
        """Return those callers whose account is active, with the same role and a live session or key, until the end.

        Args:
            session: the transaction, which is repeated when it conflicts with a change of an account.
            callers: as their guards have read them.
        """
        conditions = [self._condition(caller) for caller in callers]
        touched = await self._users.update_many({"$or": conditions}, TOUCH, session=session)
        if touched.matched_count == len(callers):
            return callers
        return [
            caller
            for caller, condition in zip(callers, conditions, strict=True)
            if await self._users.find_one(condition, {"_id": True}, session=session)
        ]

    def _condition(self, caller: Principal) -> Document:
        condition: Document = {"_id": caller.id, "active": True, "role": {"$eq": caller.role}}
        id_, later = {"id": {"$eq": caller.session_id}}, {"$gt": self._clock()}
        if caller.actions is not None:
            condition["keys"] = {"$elemMatch": {**id_, "$or": [{"expires_at": None}, {"expires_at": later}]}}
        elif self._checks_sessions:
            condition["sessions"] = {"$elemMatch": {**id_, "ends_at": later}}
        return condition

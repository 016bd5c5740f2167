"""Locking the accounts of callers, so that nothing that they send lands after their rights have ended."""

from collections.abc import Mapping, Sequence

from parley_auth.authorization.scopes import TOUCH
from parley_auth.indexes import USERS
from parley_auth.models import ADMIN, Principal
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

    async def lock(self, session: Session, callers: Sequence[Principal]) -> Mapping[Principal, str]:
        """Return the callers whose account is active, with a live session or key, until the transaction ends.

        Args:
            session: the transaction, which is repeated when it conflicts with a change of an account.
            callers: as their guards have read them.

        Returns: the role of each, which may have changed since.
        """
        unchanged = [{**self._condition(caller), "role": {"$eq": caller.role}} for caller in callers]
        touched = await self._users.update_many({"$or": unchanged}, TOUCH, session=session)
        if touched.matched_count == len(callers):
            return {caller: caller.role for caller in callers}
        return {caller: role for caller in callers if (role := await self._role_of(caller, session))}

    async def _role_of(self, caller: Principal, session: Session) -> str | None:
        where, role = self._condition(caller), {"role": True}
        found = await self._users.find_one_and_update(where, TOUCH, projection=role, session=session)
        return str(found["role"]) if found else None

    def _condition(self, caller: Principal) -> Document:
        condition: Document = {"_id": caller.id, "active": True}
        id_, later = {"id": {"$eq": caller.session_id}}, {"$gt": self._clock()}
        if caller.actions is not None:
            condition["role"] = ADMIN
            condition["keys"] = {"$elemMatch": {**id_, "$or": [{"expires_at": None}, {"expires_at": later}]}}
        elif self._checks_sessions:
            condition["sessions"] = {"$elemMatch": {**id_, "ends_at": later}}
        return condition

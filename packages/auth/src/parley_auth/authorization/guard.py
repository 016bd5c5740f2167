"""The guard: an endpoint says what it does, the composed policy table says who may."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.requests import HTTPConnection
from fastapi.security import OAuth2PasswordBearer

from parley_auth.authorization.policy_table import PolicyTable, Verdict
from parley_auth.authorization.registry import ScopeRegistry
from parley_auth.authorization.scopes import ParticipantScope
from parley_auth.errors import AuthenticationRequired, InvalidToken, NotAParticipant, PermissionDenied, TokenExpired
from parley_auth.models import Principal, Resource, Role
from parley_auth.security_log import log_security_event
from parley_auth.sessions.authenticator import Authenticator
from parley_auth.settings import AuthSettings
from parley_core import Parley, ParleyError, Session, parse_id, request_id_of
from parley_core.caching.routes import admitted_by
from parley_core.data.events import Actor
from parley_core.errors import InvalidId
from parley_core.http.routing import ParleyRoute

_bearer = OAuth2PasswordBearer(tokenUrl="/v1/auth/token", auto_error=False)


@dataclass(frozen=True)
class Access:
    """What a guard has found out of a request that it let through."""

    principal: Principal
    request_id: str
    policy: PolicyTable

    @property
    def actor(self) -> Actor:
        """The caller as events name him."""
        return Actor(self.principal.id, self.principal.role, self.request_id)


async def _nobody_judges() -> Access:
    raise TypeError("this access wasn't found out by a guard")


@dataclass(frozen=True)
class ScopedAccess(Access):
    """The same, of a request inside a participant scope.

    Awaiting `again()` has the guard judge the same request anew, token included, for an answer that goes on
    after it began; it raises what the guard answers.
    """

    resource: Resource
    parley: Parley
    scope: ParticipantScope
    reauthorize: Callable[[], Awaitable[Access]] = field(default=_nobody_judges, repr=False, compare=False)

    def permits(self, action: str) -> bool:
        """Whether the caller may do `action`, whatever the resource's state."""
        member = self.resource.member
        return self.policy.judge([action], self.principal.role, member=member) is Verdict.ALLOWED

    def needs_membership(self, action: str) -> bool:
        """Whether the caller may do `action` only as long as he takes part: a condition for the write's filter."""
        return self.policy.judge([action], self.principal.role, member=False) is not Verdict.ALLOWED

    def require(self, action: str) -> None:
        """Raises `PermissionDenied` (403) unless the caller may do `action`."""
        if not self.permits(action):
            _log_denial(self.principal, [action], Verdict.PERMISSION_DENIED, self.request_id)
            raise PermissionDenied

    async def recheck(self, action: str) -> Resource:
        """Check the caller against the resource as it is now, for a write that found its condition no longer met.

        Returns: the resource as it is now.

        Raises:
            ParleyError: meanwhile the resource is gone (the scope's error).
            NotAParticipant: meanwhile the caller takes part no more; the scope's 404 where existence is hidden.
        """
        resource = await self.scope.access_of(self.parley, self.resource.id, self.principal)
        if resource is None:
            raise self.scope.not_found
        verdict = self.policy.judge([action], self.principal.role, member=resource.member)
        _enforce(verdict, _hiding(self.parley, self.scope))
        return resource

    async def lock(self, session: Session, action: str) -> None:
        """Sees to it that the caller may do `action` now, and that this stays so until his transaction ends.

        Args:
            session: the caller's transaction; a conflict with a change of the resource repeats it.
            action: what the transaction is for.

        Raises:
            ParleyError: meanwhile the resource is gone, or its state forbids the action (the scope's errors).
            NotAParticipant: meanwhile the caller takes part no more; the scope's 404 where existence is hidden.
        """
        for refusal in (await lock_together([self], session, action)).values():
            raise refusal


async def lock_together(
    accesses: Sequence[ScopedAccess], session: Session, action: str
) -> Mapping[Principal, ParleyError]:
    """Does what `ScopedAccess.hold` does for several callers of one resource, touching it once.

    Returns: of each caller who may not do it now, what he is answered.

    Raises:
        ParleyError: meanwhile the resource is gone, or its state forbids the action (the scope's errors).
    """
    first, callers = accesses[0], {access.principal for access in accesses}
    held = await first.scope.lock(first.parley, session, first.resource.id, [caller.id for caller in callers], action)
    refused = {}
    for caller in callers:
        verdict = first.policy.judge([action], caller.role, member=caller.id in held.participants)
        if refusal := _refusal_of(verdict, _hiding(first.parley, first.scope)):
            refused[caller] = refusal()
    return refused


class Guard:
    """A FastAPI dependency that lets through whoever may do one of `actions`, by the composed policy table.

    Answers, in this order: 401 without a valid token; 400 `invalid_id` for a malformed id in the path (the
    scope's, and on a plugin's route every parameter `*_id`); in a scope 404 when the resource doesn't exist, then
    403 `not_a_participant`, which PARLEY_HIDE_EXISTENCE turns into the same 404; 403 `permission_denied` when the
    role may never do it. States are judged later, after the body. A WebSocket is refused with the same answers
    before it is accepted.

    Args:
        actions: what the endpoint does; several when the body says which of them.
        closed: what the endpoint answers when the resource's state forbids it; None for the scope's own answer.
    """

    def __init__(self, *actions: str, closed: type[ParleyError] | None = None) -> None:
        self.actions = actions
        self._closed = closed

    async def __call__(self, request: HTTPConnection, token: Annotated[str | None, Depends(_bearer)]) -> Access:
        admitted = admitted_by(self, request)
        return cast("Access", admitted) if admitted is not None else await self._judge(request, token)

    async def _judge(self, request: HTTPConnection, token: str | None) -> Access:
        parley: Parley = request.app.state.parley
        principal = await parley.require(Authenticator).authenticate(token)
        scope = self.scope_in(parley)
        _check_ids(request, scope)
        policy = parley.require(PolicyTable)
        request_id = request_id_of(request.scope)
        if scope is None:
            self._enforce(policy.judge(self.actions, principal.role, member=False), principal, request_id)
            return Access(principal, request_id, policy)
        resource = await scope.access_of(parley, request.path_params[scope.path_param], principal)
        if resource is None:
            raise scope.not_found
        verdict = policy.judge(self.actions, principal.role, member=resource.member)
        self._enforce(verdict, principal, request_id, _hiding(parley, scope))
        reauthorize = partial(self._judge, request, token)
        return ScopedAccess(principal, request_id, policy, resource, parley, scope, reauthorize)

    async def admit(self, request: HTTPConnection) -> Access:
        """The same judgement of a request outside of FastAPI's solving, for routes that answer from the cache."""
        return await self._judge(request, await _bearer(cast("Request", request)))

    def _enforce(
        self,
        verdict: Verdict,
        principal: Principal,
        request_id: str,
        stranger: type[ParleyError] = NotAParticipant,
    ) -> None:
        if verdict is not Verdict.ALLOWED:
            _log_denial(principal, self.actions, verdict, request_id)
        _enforce(verdict, stranger)

    def scope_in(self, parley: Parley) -> ParticipantScope | None:
        """The participant scope of the guard's actions in a composed application."""
        name = parley.require(PolicyTable).scope_of(self.actions[0])
        return parley.require(ScopeRegistry).by_name[name] if name else None

    def errors_in(self, parley: Parley) -> set[type[ParleyError]]:
        """The errors that this guard, and the states of its actions, can answer with; OpenAPI lists them."""
        policy, scope = parley.require(PolicyTable), self.scope_in(parley)
        found: set[type[ParleyError]] = {AuthenticationRequired, InvalidToken, TokenExpired}
        verdicts = _verdicts(policy, self.actions)
        # Which of several actions it is may stand in the body; then `ScopedAccess.require` judges that one alone.
        each = set().union(*(_verdicts(policy, [action]) for action in self.actions))
        if Verdict.PERMISSION_DENIED in verdicts or (len(self.actions) > 1 and each != {Verdict.ALLOWED}):
            found.add(PermissionDenied)
        if scope:
            found |= {InvalidId, scope.not_found}
            found |= {_hiding(parley, scope)} if Verdict.NOT_A_PARTICIPANT in verdicts else set()
            if any(policy.states_of(action) is not None for action in self.actions):
                found.add(self._closed or scope.closed)
        return found


def _verdicts(policy: PolicyTable, actions: Sequence[str]) -> set[Verdict]:
    """What the table says of these actions to anyone."""
    return {policy.judge(actions, role, member=member) for role in Role for member in (True, False)}


def _check_ids(request: HTTPConnection, scope: ParticipantScope | None) -> None:
    # What a host application's own route calls an id may look as it likes.
    is_plugins = isinstance(request.scope.get("route"), ParleyRoute)
    for name, value in request.path_params.items():
        if (scope and name == scope.path_param) or (is_plugins and name.endswith("_id")):
            parse_id(str(value))


def _hiding(parley: Parley, scope: ParticipantScope) -> type[ParleyError]:
    return scope.not_found if parley.settings(AuthSettings).hide_existence else NotAParticipant


def _log_denial(principal: Principal, actions: Sequence[str], verdict: Verdict, request_id: str) -> None:
    log_security_event(
        "access_denied",
        request_id,
        user_id=principal.id,
        role=principal.role,
        actions=" ".join(actions),
        verdict=verdict,
    )


def _enforce(verdict: Verdict, stranger: type[ParleyError] = NotAParticipant) -> None:
    if refusal := _refusal_of(verdict, stranger):
        raise refusal


def _refusal_of(verdict: Verdict, stranger: type[ParleyError]) -> type[ParleyError] | None:
    refusals = {Verdict.NOT_A_PARTICIPANT: stranger, Verdict.PERMISSION_DENIED: PermissionDenied}
    return refusals.get(verdict)

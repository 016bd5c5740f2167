"""The guard: an endpoint says what it does, the composed policy table says who may."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import OAuth2PasswordBearer
from parley_core import Parley, ParleyError, parse_id, request_id_of
from parley_core.errors import InvalidId
from parley_core.events import Actor

from parley_auth.authenticator import Authenticator
from parley_auth.errors import AuthenticationRequired, InvalidToken, NotAParticipant, PermissionDenied, TokenExpired
from parley_auth.models import Principal, Resource, Role
from parley_auth.policy import PolicyTable, Verdict
from parley_auth.registry import ScopeRegistry
from parley_auth.scopes import ParticipantScope
from parley_auth.settings import AuthSettings

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


@dataclass(frozen=True)
class ScopedAccess(Access):
    """The same, of a request inside a participant scope."""

    resource: Resource

    def permits(self, action: str) -> bool:
        """Whether the caller may do `action`, whatever the resource's state."""
        member = self.resource.member
        return self.policy.judge([action], self.principal.role, member=member) is Verdict.ALLOWED

    def require(self, action: str) -> None:
        """Raises `PermissionDenied` (403) unless the caller may do `action`."""
        if not self.permits(action):
            raise PermissionDenied


class Guard:
    """A FastAPI dependency that lets through whoever may do one of `actions`, by the composed policy table.

    Answers, in this order: 401 without a valid token; 400 `invalid_id` for a malformed id in the path; in a
    scope 404 when the resource doesn't exist, then 403 `not_a_participant`, which PARLEY_HIDE_EXISTENCE turns
    into the same 404; 403 `permission_denied` when the role may never do it. States are judged later, after
    the body.
    """

    def __init__(self, *actions: str) -> None:
        self.actions = actions

    async def __call__(self, request: Request, token: Annotated[str | None, Depends(_bearer)]) -> Access:
        parley: Parley = request.app.state.parley
        principal = await parley.require(Authenticator).authenticate(token)
        for name, value in request.path_params.items():
            if name.endswith("_id"):
                parse_id(value)
        policy = parley.require(PolicyTable)
        request_id = request_id_of(request.scope)
        if (scope := self.scope_in(parley)) is None:
            _enforce(policy.judge(self.actions, principal.role, member=False))
            return Access(principal, request_id, policy)
        resource = await scope.access_of(parley, request.path_params[scope.path_param], principal)
        if resource is None:
            raise scope.not_found
        _enforce(policy.judge(self.actions, principal.role, member=resource.member), _hiding(parley, scope))
        return ScopedAccess(principal, request_id, policy, resource)

    def scope_in(self, parley: Parley) -> ParticipantScope | None:
        """The participant scope of the guard's actions in a composed application."""
        name = parley.require(PolicyTable).scope_of(self.actions[0])
        return parley.require(ScopeRegistry).by_name[name] if name else None

    def errors_in(self, parley: Parley) -> set[type[ParleyError]]:
        """The errors that this guard, and the states of its actions, can answer with; OpenAPI lists them."""
        policy, scope = parley.require(PolicyTable), self.scope_in(parley)
        found: set[type[ParleyError]] = {AuthenticationRequired, InvalidToken, TokenExpired}
        verdicts = {policy.judge(self.actions, role, member=member) for role in Role for member in (True, False)}
        if Verdict.PERMISSION_DENIED in verdicts:
            found.add(PermissionDenied)
        if scope:
            found |= {InvalidId, scope.not_found}
            found |= {NotAParticipant} if Verdict.NOT_A_PARTICIPANT in verdicts else set()
            found |= {scope.closed} if any(policy.states_of(a) is not None for a in self.actions) else set()
        return found


def _hiding(parley: Parley, scope: ParticipantScope) -> type[ParleyError]:
    return scope.not_found if parley.settings(AuthSettings).hide_existence else NotAParticipant


def _enforce(verdict: Verdict, stranger: type[ParleyError] = NotAParticipant) -> None:
    if verdict is Verdict.NOT_A_PARTICIPANT:
        raise stranger
    if verdict is Verdict.PERMISSION_DENIED:
        raise PermissionDenied

"""The guard: an endpoint says what it does, the composed policy table says who may."""

import itertools
import re
from collections.abc import Coroutine, Sequence
from functools import partial
from typing import Annotated, Any, cast

from fastapi import Depends
from fastapi.requests import HTTPConnection
from fastapi.security import OAuth2PasswordBearer
from starlette.types import Scope

from parley_auth.authorization.access import (
    Access,
    ScopedAccess,
    decide,
    hides_from,
    refused,
    relation_to,
)
from parley_auth.authorization.authorizer import Authorizer
from parley_auth.authorization.policy_table import PolicyTable, Verdict
from parley_auth.authorization.registry import ScopeRegistry
from parley_auth.authorization.roles import RoleRegistry
from parley_auth.authorization.scopes import ParticipantScope
from parley_auth.errors import AuthenticationRequired, InvalidToken, NotAParticipant, PermissionDenied, TokenExpired
from parley_auth.models import ADMIN, OUTSIDER
from parley_core import Parley, ParleyError, request_id_of
from parley_core.data.ids import ID_PATTERN
from parley_core.data.turns import Turn, current_turn
from parley_core.errors import InvalidId
from parley_core.http.parameters import repeated_error
from parley_core.http.requests import admitted_by
from parley_core.http.routing import ParleyRoute

_bearer = OAuth2PasswordBearer(
    # Relative to the server, which may be below a prefix.
    tokenUrl="v1/auth/token",
    refreshUrl="v1/auth/token",
    auto_error=False,
    description="An access token of a login, or an API key of `POST /v1/api-keys`, as `Authorization: Bearer`. "
    "An API key may do what it names and nothing else.",
)
_ID = re.compile(ID_PATTERN)


class Guard:
    """A FastAPI dependency that lets a caller through who may do one of `actions`, by the composed policy table.

    It answers, in this order:

    - 400 `validation_error`: two `Authorization` headers were sent.
    - 401 `authentication_required`: no token was sent.
    - 401 `token_expired`: the token's lifetime is over.
    - 401 `invalid_token`: the token is not valid, its session has ended, or its account is gone or inactive; or the
      API key has expired or was revoked, or its creator is no active administrator.
    - 400 `invalid_id`: an id in the path is malformed: the scope's, and on a plugin's route every parameter `*_id`.
    - 404, the scope's `not_found`: the resource doesn't exist.
    - 403 `not_a_participant`: the actions are for participants of the resource, and the caller isn't one.
    - 403 `permission_denied`: the caller's role and relation to the resource don't permit any of the actions, or they
      call with an API key that doesn't name one of them.

    With PARLEY_HIDE_EXISTENCE a 403 is the same 404 as for a resource that doesn't exist, after the same work, except
    for those who know that it exists: participants, and whoever may do anything in the scope without taking part.

    Otherwise it returns an `Access`, or a `ScopedAccess` inside a scope. The resource's state is checked later, after
    the body. A WebSocket is refused with the same answers before it is accepted.

    Args:
        actions: what the endpoint does; several when the body says which of them.
        closed: the error for a state that forbids the action; None for the scope's own. Only OpenAPI uses it.
    """

    def __init__(self, *actions: str, closed: type[ParleyError] | None = None) -> None:
        self.actions = actions
        self._closed = closed

    def __setattr__(self, name: str, value: object) -> None:
        if hasattr(self, "_closed"):
            raise AttributeError("a guard stays as it was made: the proof of the routes relies on it")
        super().__setattr__(name, value)

    async def __call__(self, request: HTTPConnection, token: Annotated[str | None, Depends(_bearer)]) -> Access:
        if (admitted := admitted_by(self, request)) is not None:
            return cast("Access", admitted)
        _credential_in(request.scope)
        return await self._authorize_in_turn(request, token)

    def admit(self, request: HTTPConnection) -> Coroutine[Any, Any, Access]:
        """Check a request outside of FastAPI's dependencies, for routes that answer from the cache."""
        return self._authorize(request, _token_in(_credential_in(request.scope)))

    def sees_inside(self, access: Access) -> bool:
        """Return whether the caller is an administrator, who may know what others have read."""
        return access.principal.role == ADMIN

    async def _authorize(self, request: HTTPConnection, token: str | None) -> Access:
        parley: Parley = request.app.state.parley
        authorizer, path_params = parley.require(Authorizer), request.scope["path_params"]
        scope = authorizer.scopes.get(self.actions[0])
        has_ids = _has_ids(request.scope, scope)

        def begin(caller_id: str) -> None:
            """Begin what guard and route will read, before it is known whether the caller is admitted."""
            if not has_ids:
                return
            if scope and scope.begin:
                scope.begin(parley, path_params[scope.path_param])
            if (turn := current_turn()) and turn.begins:
                turn.begins(caller_id)

        principal = await authorizer.authenticate(token, begin)
        if not has_ids:
            raise InvalidId
        policy, request_id = authorizer.policy, request_id_of(request.scope)
        resource = await scope.access_of(parley, path_params[scope.path_param], principal) if scope else None
        decision = decide(policy, self.actions, principal, relation=relation_to(resource))
        if (scope and resource is None) or decision.verdict is not Verdict.ALLOWED:
            raise refused(parley, principal, decision, resource, scope=scope, request_id=request_id)
        reauthorize = partial(self._authorize_in_turn, request, token)
        if scope is None or resource is None:
            return Access(principal, request_id, policy, reauthorize=reauthorize)
        return ScopedAccess(principal, request_id, policy, resource, parley, scope, decision, reauthorize=reauthorize)

    async def _authorize_in_turn(self, request: HTTPConnection, token: str | None) -> Access:
        with Turn():
            return await self._authorize(request, token)

    def scope_in(self, parley: Parley) -> ParticipantScope | None:
        """Return the participant scope of the guard's actions in a composed application."""
        name = parley.require(PolicyTable).scope_of(self.actions[0])
        return parley.require(ScopeRegistry).by_name[name] if name else None

    def path_schemas(self, parley: Parley, names: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return the schema of those of a path's parameters that must be ids; OpenAPI lists it."""
        scope = self.scope_in(parley)
        return {name: {"pattern": ID_PATTERN} for name in names if _is_id(name, scope, is_plugins=True)}

    def errors_in(self, parley: Parley) -> set[type[ParleyError]]:
        """Return the errors that this guard and the states of its actions can lead to; OpenAPI lists them."""
        policy, scope, roles = parley.require(PolicyTable), self.scope_in(parley), parley.require(RoleRegistry)
        found: set[type[ParleyError]] = {AuthenticationRequired, InvalidToken, TokenExpired}
        # Each action for itself, since the body may say which of them it is; see `ScopedAccess.require`.
        relations = (OUTSIDER, *(scope.relations if scope else ()))
        kinds = itertools.product(self.actions, roles.by_name, relations)
        verdicts = {policy.decide((action,), role, relation=relation).verdict for action, role, relation in kinds}
        # What administrators may do is denied to an API key that doesn't name it.
        for_keys = policy.decide(self.actions, ADMIN, relation=OUTSIDER).verdict
        if Verdict.PERMISSION_DENIED in verdicts or for_keys is Verdict.ALLOWED:
            found.add(PermissionDenied)
        if scope:
            found |= {InvalidId, scope.not_found}
            informed = [role for role in roles.by_name if not hides_from(parley, role, scope)]
            outside = {policy.decide(self.actions, role, relation=OUTSIDER).verdict for role in informed}
            found |= {NotAParticipant} if Verdict.NOT_A_PARTICIPANT in outside else set()
            if any(policy.states_of(action) is not None for action in self.actions):
                found.add(self._closed or scope.closed)
        return found


def _credential_in(scope: Scope) -> bytes:
    """Return the one `Authorization` header of a request; empty where there is none."""
    found = b""
    for name, value in scope["headers"]:
        if name == b"authorization":
            # Which of two credentials counts would depend on who reads them: a proxy, or this server.
            if found:
                raise repeated_error(["Authorization"])
            found = value or b" "
    return found


def _token_in(credential: bytes) -> str | None:
    """Return what `OAuth2PasswordBearer` finds in the header."""
    scheme, _, token = credential.decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _has_ids(scope: Scope, participants: ParticipantScope | None) -> bool:
    """Return whether those of the path's parameters are well-formed that must be ids."""
    # A host application's own routes may have ids of any form.
    is_plugins, own = isinstance(scope.get("route"), ParleyRoute), participants.path_param if participants else None
    for name, value in scope["path_params"].items():
        if (name == own or (is_plugins and name.endswith("_id"))) and not _ID.fullmatch(str(value)):
            return False
    return True


def _is_id(name: str, scope: ParticipantScope | None, *, is_plugins: bool) -> bool:
    return bool(scope and name == scope.path_param) or (is_plugins and name.endswith("_id"))

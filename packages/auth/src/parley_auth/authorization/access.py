"""What a guard gives to the endpoint: the caller, and the resource with what the caller may do to it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from parley_auth.authorization.account_lock import AccountLock
from parley_auth.authorization.policy_table import Decision, PolicyTable, Verdict
from parley_auth.authorization.scopes import ParticipantScope
from parley_auth.errors import InvalidToken, NotAParticipant, PermissionDenied
from parley_auth.models import OUTSIDER, Principal, Resource
from parley_auth.security_log import Kind, log_security_event
from parley_auth.settings import AuthSettings
from parley_core import Actor, Parley, ParleyError, Session


async def _no_guard() -> "Access":
    raise TypeError("only an access that a guard has made can be authorized again")


@dataclass(frozen=True)
class Access:
    """A request that a guard has let through.

    Args:
        principal: the caller.
        request_id: the request.
        policy: the policy table.
        reauthorize: `await access.reauthorize()` has the guard check the same request again, token included, for an
            answer that goes on after it began; it returns a new access or raises what the guard answers.
    """

    principal: Principal
    request_id: str
    policy: PolicyTable
    # By name alone, so that the fields of a derived class may follow without defaults.
    reauthorize: "Callable[[], Awaitable[Access]]" = field(default=_no_guard, repr=False, compare=False, kw_only=True)

    def permits_as(self, relation: str, action: str, *, state: str) -> bool:
        """Return whether the caller may do `action` with this relation to a resource in this state."""
        if not self.policy.permits(action, self.principal.role, relation=relation, state=state):
            return False
        return action in decide(self.policy, (action,), self.principal, relation=relation).permitted

    @property
    def actor(self) -> Actor:
        """The caller as events name them."""
        return Actor(self.principal.id, self.principal.role, self.request_id)

    def permits(self, action: str) -> bool:
        """Return whether the caller may do `action`, whatever the state of the resource that the request is about."""
        return action in self._decision_on(action).permitted

    def require(self, action: str) -> None:
        """Raise `PermissionDenied` (403) unless the caller may do `action`."""
        if not self.permits(action):
            _log_refusal("access_denied", self.principal, [action], Verdict.PERMISSION_DENIED, self.request_id)
            raise PermissionDenied

    def _decision_on(self, action: str) -> Decision:
        return decide(self.policy, (action,), self.principal, relation=OUTSIDER)


@dataclass(frozen=True)
class ScopedAccess(Access):
    """A request inside a participant scope that a guard has let through.

    Args:
        resource: the resource, as the guard read it.
        parley: the application.
        scope: the participant scope.
        decision: what the policy table says about the guard's actions.
    """

    resource: Resource
    parley: Parley
    scope: ParticipantScope
    decision: Decision = field(default=Decision(Verdict.PERMISSION_DENIED), repr=False, compare=False)

    async def recheck(self, action: str) -> Resource:
        """Check the caller against the resource as it is now, after a write whose condition was no longer met.

        Returns: the resource as it is now.

        Raises:
            ParleyError: the resource is gone (the scope's error).
            NotAParticipant: the caller is no longer a participant; the scope's 404 where existence is hidden from them.
        """
        resource = await self.scope.access_of(self.parley, self.resource.id, self.principal)
        decision = decide(self.policy, (action,), self.principal, relation=relation_to(resource))
        if resource is None or decision.verdict is not Verdict.ALLOWED:
            raise refused(self.parley, self.principal, decision, resource, scope=self.scope, request_id=self.request_id)
        return resource

    async def lock(self, session: Session, action: str) -> None:
        """Check that the caller may do `action` now, and keep it so until their transaction ends.

        Args:
            session: the caller's transaction; it is repeated when it conflicts with a change of the resource.
            action: what the transaction does.

        Raises:
            ParleyError: the resource is gone, or its state forbids the action (the scope's errors).
            InvalidToken: the caller's account is no longer active, or their session or key has ended.
            NotAParticipant: the caller is no longer a participant; the scope's 404 where existence is hidden from them.
            PermissionDenied: the caller participates as somebody who may not do the action.
        """
        for refusal in (await lock_together([self], session, action)).values():
            raise refusal

    def _decision_on(self, action: str) -> Decision:
        """Return the guard's decision, or one of its own for an action that the guard doesn't name."""
        if action in self.decision.actions:
            return self.decision
        return decide(self.policy, (action,), self.principal, relation=self.resource.relation)


async def lock_together(
    accesses: Sequence[ScopedAccess], session: Session, action: str
) -> Mapping[Principal, ParleyError]:
    """Do what `ScopedAccess.lock` does for several callers of one resource, touching the resource once.

    Returns: the error for each caller who may not do the action now.

    Raises:
        ParleyError: the resource is gone, or its state forbids the action (the scope's errors).
    """
    first, callers = accesses[0], {access.principal for access in accesses}
    locked = await first.scope.lock(first.parley, session, first.resource.id, [caller.id for caller in callers], action)
    roles = await first.parley.require(AccountLock).lock(session, list(callers))
    found: dict[Principal, ParleyError] = {}
    for caller in callers:
        if caller not in roles:
            found[caller] = InvalidToken()
            continue
        now, relation = replace(caller, role=roles[caller]), locked.relations.get(caller.id, OUTSIDER)
        decision = decide(first.policy, (action,), now, relation=relation)
        if decision.verdict is not Verdict.ALLOWED:
            found[caller] = refusal_of(first.parley, now, decision.verdict, first.scope, relation=relation)()
    return found


def decide(policy: PolicyTable, actions: Sequence[str], principal: Principal, *, relation: str) -> Decision:
    """Return what the policy says about a caller with this relation to the resource, and some actions.

    An API key may do what it names, provided that keys may do it, which administrators then may without participating,
    and that its creator may do it: what they may not do in a resource, with a key they may not either.
    """
    decision = policy.decide(tuple(actions), principal.role, relation=relation)
    if principal.actions is None:
        return decision
    permitted = frozenset(filter(policy.is_for_keys, decision.permitted & principal.actions))
    if permitted:
        return Decision(Verdict.ALLOWED, decision.actions, permitted)
    outside = policy.decide(tuple(actions), principal.role, relation=OUTSIDER)
    refused = outside.verdict if outside.verdict is not Verdict.ALLOWED else Verdict.PERMISSION_DENIED
    return Decision(refused, decision.actions)


def relation_to(resource: Resource | None) -> str:
    """Return the caller's relation to a resource; nobody takes part in one that doesn't exist."""
    return OUTSIDER if resource is None else resource.relation


def refused(
    parley: Parley,
    principal: Principal,
    decision: Decision,
    resource: Resource | None,
    *,
    scope: ParticipantScope | None,
    request_id: str,
) -> type[ParleyError]:
    """Log that a request is refused, and return the error that it is answered with.

    A resource that doesn't exist takes the same work as one that is hidden: one decision about an outsider, one line.
    """
    is_missing = scope is not None and resource is None
    kind: Kind = "resource_missing" if is_missing else "access_denied"
    _log_refusal(kind, principal, decision.actions, decision.verdict, request_id)
    error = refusal_of(parley, principal, decision.verdict, scope, relation=relation_to(resource))
    return scope.not_found if scope is not None and is_missing else error


def refusal_of(
    parley: Parley, principal: Principal, verdict: Verdict, scope: ParticipantScope | None, *, relation: str
) -> type[ParleyError]:
    """Return the error for a verdict that doesn't allow a request to an existing resource, or to none."""
    if scope is not None and _is_hidden(parley, principal, scope, relation):
        return scope.not_found
    return NotAParticipant if verdict is Verdict.NOT_A_PARTICIPANT else PermissionDenied


def hides_from(parley: Parley, role: str, scope: ParticipantScope) -> bool:
    """Return whether PARLEY_HIDE_EXISTENCE hides the scope's resources from outsiders of this role.

    Who may do anything to them without taking part knows which of them exist.
    """
    return parley.settings(AuthSettings).hide_existence and not parley.require(PolicyTable).open_to(role, scope.name)


def _is_hidden(parley: Parley, principal: Principal, scope: ParticipantScope, relation: str) -> bool:
    if principal.actions is None:
        return relation == OUTSIDER and hides_from(parley, principal.role, scope)
    # A key never takes part, whatever its creator does.
    revealing = parley.require(PolicyTable).open_to(principal.role, scope.name) | scope.shown_by
    return parley.settings(AuthSettings).hide_existence and not revealing & principal.actions


def _log_refusal(kind: Kind, principal: Principal, actions: Sequence[str], verdict: Verdict, request_id: str) -> None:
    log_security_event(
        kind,
        request_id,
        user_id=principal.id,
        key_id=None if principal.actions is None else principal.session_id,
        role=principal.role,
        actions=" ".join(actions),
        verdict=verdict,
    )

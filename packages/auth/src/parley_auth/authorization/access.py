"""What a guard gives to the endpoint: the caller, and the resource with what the caller may do to it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from parley_auth.authorization.account_lock import AccountLock
from parley_auth.authorization.policy_table import Decision, PolicyTable, Verdict
from parley_auth.authorization.scopes import ParticipantScope
from parley_auth.errors import InvalidToken, NotAParticipant, PermissionDenied
from parley_auth.models import OUTSIDER, Principal, Resource
from parley_auth.security_log import log_security_event
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

    def permits(self, action: str) -> bool:
        """Return whether the caller may do `action`, whatever the resource's state."""
        return action in self._decision_on(action).permitted

    def require(self, action: str) -> None:
        """Raise `PermissionDenied` (403) unless the caller may do `action`."""
        if not self.permits(action):
            log_denial(self.principal, [action], Verdict.PERMISSION_DENIED, self.request_id)
            raise PermissionDenied

    async def recheck(self, action: str) -> Resource:
        """Check the caller against the resource as it is now, after a write whose condition was no longer met.

        Returns: the resource as it is now.

        Raises:
            ParleyError: the resource is gone (the scope's error).
            NotAParticipant: the caller is no longer a participant; the scope's 404 where existence is hidden.
        """
        resource = await self.scope.access_of(self.parley, self.resource.id, self.principal)
        if resource is None:
            raise self.scope.not_found
        decision = decide(self.policy, (action,), self.principal, relation=resource.relation)
        if decision.verdict is not Verdict.ALLOWED:
            raise refusal_of(decision.verdict, self.parley, self.scope)
        return resource

    async def lock(self, session: Session, action: str) -> None:
        """Check that the caller may do `action` now, and keep it so until their transaction ends.

        Args:
            session: the caller's transaction; it is repeated when it conflicts with a change of the resource.
            action: what the transaction does.

        Raises:
            ParleyError: the resource is gone, or its state forbids the action (the scope's errors).
            InvalidToken: the caller's account is no longer active, or their session or key has ended.
            NotAParticipant: the caller is no longer a participant; the scope's 404 where existence is hidden.
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
    refused: dict[Principal, ParleyError] = {}
    for caller in callers:
        if caller not in roles:
            refused[caller] = InvalidToken()
            continue
        now, relation = replace(caller, role=roles[caller]), locked.relations.get(caller.id, OUTSIDER)
        decision = decide(first.policy, (action,), now, relation=relation)
        if decision.verdict is not Verdict.ALLOWED:
            refused[caller] = refusal_of(decision.verdict, first.parley, first.scope)()
    return refused


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


def refusal_of(verdict: Verdict, parley: Parley, scope: ParticipantScope | None) -> type[ParleyError]:
    """Return the error for a verdict that doesn't allow the request."""
    if verdict is Verdict.NOT_A_PARTICIPANT and scope is not None:
        return non_participant_error(parley, scope)
    return PermissionDenied


def non_participant_error(parley: Parley, scope: ParticipantScope) -> type[ParleyError]:
    """Return the error for callers who are no participants; PARLEY_HIDE_EXISTENCE makes it the scope's 404."""
    return scope.not_found if parley.settings(AuthSettings).hide_existence else NotAParticipant


def log_denial(principal: Principal, actions: Sequence[str], verdict: Verdict, request_id: str) -> None:
    """Log that a caller was denied these actions."""
    log_security_event(
        "access_denied",
        request_id,
        user_id=principal.id,
        key_id=None if principal.actions is None else principal.session_id,
        role=principal.role,
        actions=" ".join(actions),
        verdict=verdict,
    )

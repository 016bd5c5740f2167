"""The policy table: every rule of every package, as data. It drives guards, state machines and documentation."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from parley_auth.models import Role


class Membership(StrEnum):
    """Whether a rule is for those who take part in the resource, or for anyone of its roles."""

    ANY = "any"
    PARTICIPANT = "participant"


class Verdict(StrEnum):
    """What a table says of a request before its body is looked at."""

    ALLOWED = "allowed"
    NOT_A_PARTICIPANT = "not_a_participant"
    PERMISSION_DENIED = "permission_denied"


@dataclass(frozen=True, kw_only=True)
class PolicyRule:
    """Who may do an action, and in which states of the resource. Several rules of one action add up.

    Args:
        action: like `messages:post`.
        roles: the stored roles that the rule is for.
        scope: the name of a participant scope; None for what concerns no resource.
        membership: whether only those who take part in the resource may.
        states: the states of the resource in which it is possible; None for all.
    """

    action: str
    roles: frozenset[Role]
    scope: str | None = None
    membership: Membership = Membership.ANY
    states: frozenset[str] | None = None


class PolicyTable:
    """The rules of all packages, by action."""

    def __init__(self, rules: Iterable[PolicyRule]) -> None:
        self.rules = tuple(rules)
        self._by_action: dict[str, list[PolicyRule]] = defaultdict(list)
        for rule in self.rules:
            self._by_action[rule.action].append(rule)

    def __contains__(self, action: str) -> bool:
        return action in self._by_action

    def of(self, action: str) -> tuple[PolicyRule, ...]:
        """The rules of one action."""
        return tuple(self._by_action.get(action, ()))

    def scope_of(self, action: str) -> str | None:
        """The participant scope that an action's rules are for; they all name the same."""
        return self._by_action[action][0].scope

    def states_of(self, action: str) -> frozenset[str] | None:
        """The states in which an action is possible for anyone; None for all."""
        states = [rule.states for rule in self.of(action)]
        return None if None in states else frozenset().union(*(s for s in states if s is not None))

    def judge(self, actions: Iterable[str], role: Role, *, member: bool) -> Verdict:
        """Whether `role` may do any of `actions`, states aside.

        In a scope membership is judged first, so that a stranger learns the same whatever he asks.
        """
        rules = [rule for action in actions for rule in self.of(action)]
        if any(role in rule.roles and (member or rule.membership is Membership.ANY) for rule in rules):
            return Verdict.ALLOWED
        if not member and any(rule.scope for rule in rules):
            return Verdict.NOT_A_PARTICIPANT
        return Verdict.PERMISSION_DENIED

    def permits(self, action: str, role: Role, *, member: bool, state: str) -> bool:
        """Whether `role` may do `action` on a resource in `state`."""
        return any(
            role in rule.roles
            and (member or rule.membership is Membership.ANY)
            and (rule.states is None or state in rule.states)
            for rule in self.of(action)
        )

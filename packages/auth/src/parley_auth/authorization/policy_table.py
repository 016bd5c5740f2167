"""The policy table: every rule of every package, as data. It drives guards, state machines and documentation."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import TypeVar, cast

from parley_auth.models import Role

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., object])


class Membership(StrEnum):
    """Whether a rule is for participants of the resource only, or for anyone with its roles."""

    ANY = "any"
    PARTICIPANT = "participant"


class Verdict(StrEnum):
    """The outcome of a decision."""

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
        membership: whether the rule is for participants of the resource only.
        states: the states of the resource in which the action is possible; None for all.
    """

    action: str
    roles: frozenset[Role]
    scope: str | None = None
    membership: Membership = Membership.ANY
    states: frozenset[str] | None = None


@dataclass(frozen=True)
class Decision:
    """What the table says about a caller and some actions, whatever the state of the resource.

    Args:
        verdict: whether the caller may do at least one of the actions.
        actions: the actions that the decision is about.
        permitted: the actions that the caller may do, each with whether only because the caller is a participant.
    """

    verdict: Verdict
    actions: tuple[str, ...] = ()
    permitted: Mapping[str, bool] = field(default_factory=dict)


class PolicyTable:
    """The rules of all packages, by action.

    Requests ask `decide`, `permits` and `states_of`. Each answer is worked out once and remembered.
    """

    def __init__(self, rules: Iterable[PolicyRule]) -> None:
        self.rules = tuple(rules)
        self._by_action: dict[str, list[PolicyRule]] = defaultdict(list)
        for rule in self.rules:
            self._by_action[rule.action].append(rule)
        self.decide = _remembered(self._decide)
        self.permits = _remembered(self._permits)
        self.states_of = _remembered(self._states_of)

    def __contains__(self, action: str) -> bool:
        return action in self._by_action

    def of(self, action: str) -> tuple[PolicyRule, ...]:
        """Return the rules of one action."""
        return tuple(self._by_action.get(action, ()))

    def scope_of(self, action: str) -> str | None:
        """Return the participant scope of an action, which all its rules name."""
        return self._by_action[action][0].scope

    def _states_of(self, action: str) -> frozenset[str] | None:
        """Return the states in which an action is possible for anyone; None for all."""
        states = [rule.states for rule in self.of(action)]
        return None if None in states else frozenset().union(*(s for s in states if s is not None))

    def _permits(self, action: str, role: Role, *, member: bool, state: str) -> bool:
        """Return whether `role` may do `action` on a resource in `state`."""
        return any(
            _applies(rule, role, member=member) and (rule.states is None or state in rule.states)
            for rule in self.of(action)
        )

    def _decide(self, actions: tuple[str, ...], role: Role, *, member: bool) -> Decision:
        """Return the decision about a caller of this role and these actions.

        In a scope, a caller who is no participant gets one verdict for every action that isn't permitted to all: it
        shows nothing about their role.
        """
        permitted = {
            action: not self._allows(action, role, member=False)
            for action in actions
            if self._allows(action, role, member=member)
        }
        if permitted:
            return Decision(Verdict.ALLOWED, actions, permitted)
        if not member and any(rule.scope for action in actions for rule in self.of(action)):
            return Decision(Verdict.NOT_A_PARTICIPANT, actions)
        return Decision(Verdict.PERMISSION_DENIED, actions)

    def _allows(self, action: str, role: Role, *, member: bool) -> bool:
        return any(_applies(rule, role, member=member) for rule in self.of(action))


def _remembered(answer: AnyFunction) -> AnyFunction:
    return cast("AnyFunction", cache(answer))


def _applies(rule: PolicyRule, role: Role, *, member: bool) -> bool:
    return role in rule.roles and (member or rule.membership is Membership.ANY)

"""The policy table: every rule of every package, as data. It drives guards, state machines and documentation."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TypeVar, cast

from parley_auth.models import ADMIN, OUTSIDER

AnyFunction = TypeVar("AnyFunction", bound=Callable[..., object])


class Verdict(StrEnum):
    """The outcome of a decision."""

    ALLOWED = "allowed"
    NOT_A_PARTICIPANT = "not_a_participant"
    PERMISSION_DENIED = "permission_denied"


@dataclass(frozen=True, kw_only=True)
class PolicyRule:
    """Who may do an action, as what, and in which states of the resource. Several rules of one action add up.

    Args:
        action: like `messages:post`.
        roles: the stored roles that the rule is for; None for every role.
        scope: the name of a participant scope; None for what concerns no resource.
        relations: the relations to the resource that the rule is for; None for every one that the scope declares, so
            that participants alone are meant. `OUTSIDER` stands for those who don't participate.
        states: the states of the resource in which the action is possible; None for all.
        for_keys: whether an API key may have the action, where administrators may do it without participating.
    """

    action: str
    roles: frozenset[str] | None
    scope: str | None = None
    relations: frozenset[str] | None = None
    states: frozenset[str] | None = None
    for_keys: bool = True


@dataclass(frozen=True)
class Decision:
    """What the table says about a caller and some actions, whatever the state of the resource.

    Args:
        verdict: whether the caller may do at least one of the actions.
        actions: the actions that the decision is about.
        permitted: the actions that the caller may do.
    """

    verdict: Verdict
    actions: tuple[str, ...] = ()
    permitted: frozenset[str] = frozenset()


class PolicyTable:
    """The rules of all packages, by action.

    Requests ask `decide`, `permits`, `permits_throughout`, `states_of`, `is_for_keys` and `open_to`. Each answer is
    worked out once and remembered.
    """

    def __init__(self, rules: Iterable[PolicyRule]) -> None:
        self.rules = tuple(rules)
        self._by_action: dict[str, list[PolicyRule]] = defaultdict(list)
        for rule in self.rules:
            self._by_action[rule.action].append(rule)
        self.decide = _remembered(self._decide)
        self.permits = _remembered(self._permits)
        self.permits_throughout = _remembered(self._permits_throughout)
        self.states_of = _remembered(self._states_of)
        self.is_for_keys = _remembered(self._is_for_keys)
        self.open_to = _remembered(self._open_to)
        self.grantable = tuple(sorted(filter(self._is_for_keys, self._by_action)))
        """The actions that an API key may have."""

    def __contains__(self, action: str) -> bool:
        return action in self._by_action

    def known_names(self) -> dict[str, Iterable[str]]:
        """Return the actions that an API key may have, for OpenAPI."""
        return {"action": self.grantable}

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

    def _permits(self, action: str, role: str, *, relation: str, state: str) -> bool:
        """Return whether `role` may do `action` on a resource in `state` to which it has this relation."""
        return any(
            _applies(rule, role, relation) and (rule.states is None or state in rule.states) for rule in self.of(action)
        )

    def _permits_throughout(self, action: str, role: str, *, relation: str, states: tuple[str, ...]) -> bool:
        """Return whether `role` may do `action` on a resource to which it has this relation, whichever its state is."""
        return all(self._permits(action, role, relation=relation, state=state) for state in states)

    def _decide(self, actions: tuple[str, ...], role: str, *, relation: str = OUTSIDER) -> Decision:
        """Return the decision about a caller of this role, with this relation to the resource, and these actions.

        In a scope, an outsider gets one verdict for every action that isn't permitted to them: it shows nothing about
        their role.
        """
        permitted = frozenset(action for action in actions if self._allows(action, role, relation))
        if permitted:
            return Decision(Verdict.ALLOWED, actions, permitted)
        if relation == OUTSIDER and any(rule.scope for action in actions for rule in self.of(action)):
            return Decision(Verdict.NOT_A_PARTICIPANT, actions)
        return Decision(Verdict.PERMISSION_DENIED, actions)

    def _is_for_keys(self, action: str) -> bool:
        """Return whether an API key may have an action: administrators may do it without participating."""
        rules = self.of(action)
        return all(rule.for_keys for rule in rules) and self._allows(action, ADMIN, OUTSIDER)

    def _open_to(self, role: str, scope: str) -> frozenset[str]:
        """Return the actions in a scope that `role` may do without taking part."""
        in_scope = (rule for rule in self.rules if rule.scope == scope)
        return frozenset(rule.action for rule in in_scope if _applies(rule, role, OUTSIDER))

    def _allows(self, action: str, role: str, relation: str) -> bool:
        return any(_applies(rule, role, relation) for rule in self.of(action))


def _remembered(answer: AnyFunction) -> AnyFunction:
    return cast("AnyFunction", cache(answer))


def _applies(rule: PolicyRule, role: str, relation: str) -> bool:
    if rule.roles is not None and role not in rule.roles:
        return False
    if rule.scope is None:
        return True
    return relation != OUTSIDER if rule.relations is None else relation in rule.relations

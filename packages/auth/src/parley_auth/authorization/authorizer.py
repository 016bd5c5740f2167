"""What the guards of one application ask."""

from collections.abc import Mapping
from dataclasses import dataclass

from parley_auth.authorization.identity import Identity
from parley_auth.authorization.policy_table import PolicyTable
from parley_auth.authorization.registry import ScopeRegistry
from parley_auth.authorization.scopes import ParticipantScope


@dataclass(frozen=True)
class Authorizer:
    """Provided once, when the application starts; every guard finds it there.

    Args:
        identity: says who calls.
        policy: says who may do what.
        scopes: the participant scope of each action that has one.
    """

    identity: Identity
    policy: PolicyTable
    scopes: Mapping[str, ParticipantScope]

    @classmethod
    def of(cls, identity: Identity, policy: PolicyTable, registry: ScopeRegistry) -> "Authorizer":
        """Return the authorizer of a composed policy."""
        scopes = {rule.action: registry.by_name[rule.scope] for rule in policy.rules if rule.scope}
        return cls(identity, policy, scopes)

"""What the guards of one application ask."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from parley_auth.authorization.identity import Authenticate, Identity, asking
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

    @cached_property
    def authenticate(self) -> Authenticate:
        """Return the caller of a token, and pass their id on as soon as the token is verified."""
        return asking(self.identity)

    @classmethod
    def of(cls, identity: Identity, policy: PolicyTable, registry: ScopeRegistry) -> "Authorizer":
        """Return the authorizer of a composed policy."""
        scopes = {rule.action: registry.by_name[rule.scope] for rule in policy.rules if rule.scope}
        return cls(identity, policy, scopes)

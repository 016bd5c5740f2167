"""The hooks of auth, which consumes what they return. Like core's they are called at start-up only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from parley_core import hookspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from parley_auth.authorization.policy_table import PolicyRule
    from parley_auth.authorization.scopes import ParticipantScope
    from parley_auth.models import Role
    from parley_core import PublicRoute
    from parley_core.http.requests import Composition


@hookspec
def parley_roles() -> Sequence[Role]:
    """Called once, when the policy table is composed.

    Returns: the roles that accounts can have because of the plugin; auth itself brings `admin`. Where no plugin
    brings any, whoever registers gets the role `user`.

    Start-up fails when two plugins declare the same role, and when two roles are that of those who register.
    """
    raise NotImplementedError


@hookspec
def parley_policies() -> Sequence[PolicyRule]:
    """Called once, when the policy table is composed, after all routes are mounted.

    Returns: the rules of the plugin's own actions; the rules of all plugins make one table.

    Start-up fails when two plugins give rules for one action, when a rule names an unknown role or scope, or a relation
    or state that its scope doesn't have, when the rules of one action name different scopes, and when a guard names an
    action without a rule.
    """
    raise NotImplementedError


@hookspec
def parley_participant_scopes() -> Sequence[ParticipantScope]:
    """Called once, before the policy table is composed.

    Returns: the kinds of resources that users participate in.

    Start-up fails when two scopes have the same name or the same path parameter, when one declares the relation
    `outsider`, when a route whose path has a scope's parameter lacks a guard of that scope, when a route has another
    parameter at the place of a scope's, and when one takes a scope's parameter from query, header or cookie.
    """
    raise NotImplementedError


@hookspec
def parley_public_routes(parley: Composition) -> Sequence[PublicRoute]:
    """Called once, when the routes are checked.

    Args:
        parley: the composed application, a `parley_core.Parley`, by whose settings a route may be absent.

    Returns: the routes that anyone may call, each with its reason. No other route may be without a guard.

    Start-up fails when one of them has a scope's parameter, is declared twice, doesn't exist or isn't the plugin's own.
    """
    raise NotImplementedError

"""The identity of the caller: a protocol, so that another identity provider can take the place of auth's own."""

import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol, TypeGuard, cast, runtime_checkable

from parley_auth.models import Principal
from parley_core import StartupError

Verified = Callable[[str], None]
Authenticate = Callable[[str | None, Verified], Awaitable[Principal]]


@runtime_checkable
class Identity(Protocol):
    """Says who calls. By default that is `parley_auth.sessions.authenticator.Authenticator`.

    To use another provider, such as an OIDC one, return an object with this method from the hook `parley_services` of
    a plugin. Every guard then asks it instead. It runs on each guarded request, so that what it refuses is refused at
    once.
    """

    async def authenticate(self, token: str | None) -> Principal:
        """Return the caller.

        An OIDC provider verifies the token (signature, issuer, audience, lifetime), finds the account that belongs to
        the token's subject in the database, and returns that account's id and stored role. It must not take the role
        from the token. `session_id` names the login at the provider; `/v1/auth/sessions` and logout know only the
        sessions that auth itself has opened. `actions` stays None.

        API keys reach it too. Those begin with `parley_auth.keys.models.PREFIX`; if they shall work, it returns what
        `principal_of` of the service `parley_auth.keys.authenticator.KeyAuthenticator` answers.

        It may take a second argument, `verified: Callable[[str], None]`. It then calls this once, with the account's
        id, as soon as it is proved who got the token and before it waits for the account: what the guard and the route
        read for this caller is then read at the same time. Others are asked without, and wait for one after the other.

        Args:
            token: the text after `Authorization: Bearer`; None when none was sent.

        Raises:
            AuthenticationRequired: no token was sent (401).
            TokenExpired: the token's lifetime is over (401).
            InvalidToken: the token is not valid, or its account doesn't exist or is inactive (401).
        """
        raise NotImplementedError


def chosen_identity(services: Iterable[object], *, default: Identity) -> Identity:
    """Return the one service that is an identity other than the default, or else the default.

    Raises:
        StartupError: two others are provided; the message names both classes.
    """
    others = [service for service in services if _is_identity(service) and service is not default]
    if len(others) > 1:
        names = " and ".join(f"{type(other).__module__}.{type(other).__qualname__}" for other in others)
        raise StartupError(f"only one identity can say who calls, but {names} are provided: unload a plugin")
    return others[0] if others else default


def asking(identity: Identity) -> Authenticate:
    """Return a function that asks an identity who calls, and passes the caller's id on as early as is possible."""
    if "verified" in inspect.signature(identity.authenticate).parameters:
        return cast("Authenticate", identity.authenticate)

    async def authenticate(token: str | None, verified: Verified) -> Principal:
        principal = await identity.authenticate(token)
        verified(principal.id)
        return principal

    return authenticate


def _is_identity(service: object) -> TypeGuard[Identity]:
    # The class is asked too: a database of PyMongo has a collection for every attribute, "authenticate" included.
    return isinstance(service, Identity) and hasattr(type(service), "authenticate")

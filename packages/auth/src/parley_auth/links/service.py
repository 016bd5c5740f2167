"""The rules of links."""

import hmac
from collections.abc import Sequence
from datetime import datetime

from parley_auth.errors import (
    InactiveUser,
    InvalidCredentials,
    InvalidLink,
    NoPassword,
    PasswordExists,
    UserNotFound,
)
from parley_auth.events import USER_INVITATION_ACCEPTED, USER_LINK_CREATED, USER_PASSWORD_RESET
from parley_auth.links.models import LIFETIMES, IssuedLink, Link, LinkedAccount, LinkToken, Purpose
from parley_auth.links.repository import LinkRepository
from parley_auth.links.schemas import Acceptance
from parley_auth.models import AccountState, Credentials, User
from parley_auth.passwords.hashing import Passwords
from parley_auth.passwords.origin import Origin
from parley_auth.passwords.rules import PasswordRules
from parley_auth.security_log import Kind, log_security_event
from parley_auth.sessions.models import TokenPair
from parley_auth.sessions.service import SessionService
from parley_core import PRIVATE, Actor, Clock, Event, new_id

# Compared with where an account has no link, so that the work is the same.
_DECOY = LinkToken.new(new_id()).digest


class LinkService:
    """Creates links and lets their holders set a password."""

    def __init__(
        self,
        *,
        links: LinkRepository,
        sessions: SessionService,
        passwords: Passwords,
        rules: PasswordRules,
        clock: Clock,
    ) -> None:
        self._links = links
        self._sessions = sessions
        self._passwords = passwords
        self._rules = rules
        self._clock = clock

    async def create(self, user_id: str, purpose: Purpose, actor: Actor) -> IssuedLink:
        """Create a link for an account, whose older link can no longer be used.

        Raises:
            UserNotFound: there is no such account.
            InactiveUser: the account is inactive.
            PasswordExists: an invitation, and the account has a password.
            NoPassword: a reset, and the account has no password yet.
        """
        token = LinkToken.new(user_id)
        while True:
            if (account := await self._links.read(user_id)) is None:
                raise UserNotFound
            _check_purpose(account.user, purpose)
            now = self._clock()
            link = Link(purpose, token.digest, now + LIFETIMES[purpose])
            changes = {"purpose": (None, purpose)}
            event = Event(type=USER_LINK_CREATED, at=now, actor=actor, changes=changes, audience=(user_id,))
            if await self._links.store(account.user, link, event):
                log_security_event("link_created", actor.request_id, user_id=user_id, by=actor.id, purpose=purpose)
                return IssuedLink(token.text, purpose, link.expires_at)

    async def accept(self, wanted: Acceptance, origin: Origin) -> TokenPair:
        """Set the password of the account that a link is for, end its sessions and open a new one.

        Raises:
            InvalidLink: the link can't be used; the work done is the same, whatever the reason.
            WeakPassword: the password is too short or too common; the link can still be used.
        """
        # A text that spells no token is looked up like one.
        token = LinkToken.parse(wanted.token) or LinkToken.new(new_id())
        account = await self._links.read(token.user_id)
        link = self._usable(account, token)
        if account is None or link is None:
            log_security_event("link_refused", origin.request_id, user_id=token.user_id, network=origin.network)
            raise InvalidLink
        user = account.user
        self._rules.check(wanted.password, email=user.email, name=wanted.name or user.name)
        return await self._opened(await self._use(user, link, wanted, origin), origin)

    def _usable(self, account: LinkedAccount | None, token: LinkToken) -> Link | None:
        """Return the link that the token is of, if it can be used."""
        link = account.link if account else None
        is_same = hmac.compare_digest(link.digest if link else _DECOY, token.digest)
        if account is None or link is None or not is_same:
            return None
        return link if account.user.active and link.expires_at > self._clock() else None

    async def _use(self, user: User, link: Link, wanted: Acceptance, origin: Origin) -> Credentials:
        changes: dict[str, object] = {"password_hash": await self._passwords.hash(wanted.password)}
        if wanted.name is not None:
            changes["name"] = wanted.name
        event = _event_of(user, ["password", *changes.keys() & {"name"}], self._clock(), origin)
        if (used := await self._links.use(user, link, event.at, changes, event)) is None:
            raise InvalidLink
        kind: Kind = "invitation_accepted" if user.invited else "password_reset"
        log_security_event(kind, origin.request_id, user_id=user.id, network=origin.network)
        return used

    async def _opened(self, credentials: Credentials, origin: Origin) -> TokenPair:
        try:
            return await self._sessions.open(credentials, origin)
        except InvalidCredentials:
            # Deactivated in this very moment, or its password set anew.
            raise InvalidLink from None


def _event_of(user: User, fields: Sequence[str], at: datetime, origin: Origin) -> Event:
    changes: dict[str, tuple[object, object]] = dict.fromkeys(fields, (PRIVATE, PRIVATE))
    if user.invited:
        changes["state"] = (AccountState.INVITED, AccountState.ACTIVE)
    if not user.verified:
        changes["verified"] = (False, True)
    kind = USER_INVITATION_ACCEPTED if user.invited else USER_PASSWORD_RESET
    actor = Actor(user.id, user.role, origin.request_id)
    return Event(type=kind, at=at, actor=actor, changes=changes, audience=(user.id,))


def _check_purpose(user: User, purpose: Purpose) -> None:
    if not user.active:
        raise InactiveUser
    if purpose is Purpose.INVITATION and not user.invited:
        raise PasswordExists
    if purpose is Purpose.RESET and user.invited:
        raise NoPassword

"""The rules of webhooks as administrators see and change them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from operator import attrgetter
from urllib.parse import urlsplit

from parley_core import PRIVATE, Actor, Clock, Event, EventLog, EventType, new_id
from parley_core.http.pagination import CursorQuery, Listing
from parley_core.http.walks import Walks
from parley_events import EventTypes
from parley_webhooks.bell import Bell
from parley_webhooks.errors import TooManyWebhooks, WebhookNotFound
from parley_webhooks.events import (
    WEBHOOK_CREATED,
    WEBHOOK_DELETED,
    WEBHOOK_RESUMED,
    WEBHOOK_SECRET_ROTATED,
    WEBHOOK_UPDATED,
)
from parley_webhooks.models import Because, Progress, Webhook
from parley_webhooks.subscriptions import schemas
from parley_webhooks.subscriptions.repository import WebhookRepository, stored_secrets
from parley_webhooks.subscriptions.secrets import Secrets, rotated
from parley_webhooks.transport.addresses import Addresses
from parley_webhooks.transport.urls import checked_url


@dataclass(frozen=True)
class _Change:
    """What is written of a change, and what its event shows.

    Args:
        type: the event's type.
        fields: field -> new value.
        shown: what the event says changed.
        at_once: whether the next event is tried at once, whatever its failures.
    """

    type: EventType
    fields: Mapping[str, object]
    shown: Mapping[str, tuple[object, object]]
    at_once: bool = False


_Decision = Callable[[Webhook], _Change | None]


class WebhookService:
    """Creates, changes and deletes webhooks.

    Args:
        webhooks: where they are stored.
        log: what they are positions in.
        types: the event types that there are.
        addresses: which receivers are permitted.
        secrets: what makes their secrets.
        walks: makes the pages of their list.
        clock: the time.
        bell: rung for what the dispatchers don't learn from the log.
    """

    def __init__(
        self,
        *,
        webhooks: WebhookRepository,
        log: EventLog,
        types: EventTypes,
        addresses: Addresses,
        secrets: Secrets,
        walks: Walks,
        clock: Clock,
        bell: Bell,
    ) -> None:
        self._webhooks = webhooks
        self._log = log
        self._types = types
        self._addresses = addresses
        self._secrets = secrets
        self._walks = walks
        self._clock = clock
        self._bell = bell

    async def create(self, wanted: schemas.WebhookCreate, actor: Actor) -> schemas.WebhookWithSecret:
        """Create a webhook.

        Raises:
            WebhooksNotConfigured: there is no key that its secret could be sealed with.
            UnknownEventType: it names a type that no plugin declares.
            WebhookUrlRefused: its address isn't https, or its host isn't public.
            TooManyWebhooks: there are ten.
        """
        webhook_id, now = new_id(), self._clock()
        secret, sealed = self._secrets.new(webhook_id)
        types = self._known(wanted.types)
        webhook = Webhook(
            id=webhook_id,
            url=await self._permitted(wanted.url),
            types=types,
            active=True,
            inactive_because=None,
            secrets=(sealed,),
            created_by=actor.id or "",
            created_at=now,
            updated_at=now,
            rev=1,
        )
        position = await self._log.head() if wanted.from_ is None else wanted.from_
        changes = {"host": (None, _host(webhook.url)), "types": (None, list(types))}
        if not await self._webhooks.add(webhook, self._event(WEBHOOK_CREATED, actor, changes), position=position):
            raise TooManyWebhooks
        self._bell.ring()
        return _with_secret(_shown(webhook, Progress(position=position)), secret)

    async def page(self, query: CursorQuery) -> Listing[schemas.Webhook]:
        """Return a page of the webhooks, oldest first; raise `InvalidCursor` (400)."""
        webhooks = await self._webhooks.all()
        progress = await self._webhooks.progress_of(webhook.id for webhook in webhooks)
        shown = [_shown(webhook, progress.get(webhook.id)) for webhook in webhooks]
        return self._walks.page(
            shown, query, of="webhooks", order=lambda w: (w.created_at.timestamp(),), name=attrgetter("id")
        )

    async def get(self, webhook_id: str) -> schemas.Webhook:
        """Return a webhook; raise `WebhookNotFound` (404)."""
        return await self._with_progress(await self._read(webhook_id))

    async def update(self, webhook_id: str, wanted: schemas.WebhookUpdate, actor: Actor) -> schemas.Webhook:
        """Change the address, the types or the activity of a webhook.

        Raises:
            WebhookNotFound: there is no such webhook.
            UnknownEventType: it names a type that no plugin declares.
            WebhookUrlRefused: its new address isn't https, or its host isn't public.
        """
        given = wanted.given()
        if "types" in given:
            given["types"] = self._known(given["types"])
        if "url" in given:
            await self._read(webhook_id)
            given["url"] = await self._permitted(given["url"])
        after = await self._change(webhook_id, actor, lambda before: _update(before, given))
        return await self._with_progress(after)

    async def rotate(self, webhook_id: str, actor: Actor) -> schemas.WebhookWithSecret:
        """Give a webhook a new secret; the one before signs too for 24 hours.

        Raises:
            WebhookNotFound: there is no such webhook.
            WebhooksNotConfigured: there is no key that the secret could be sealed with.
        """
        await self._read(webhook_id)
        secret, sealed = self._secrets.new(webhook_id)

        def rotation(before: Webhook) -> _Change:
            stored = stored_secrets(rotated(before.secrets, sealed, self._clock()))
            return _Change(WEBHOOK_SECRET_ROTATED, {"secrets": stored}, {"secret": (PRIVATE, PRIVATE)})

        after = await self._change(webhook_id, actor, rotation)
        return _with_secret(await self._with_progress(after), secret)

    async def resume(self, webhook_id: str, actor: Actor) -> schemas.Webhook:
        """Activate a webhook where it stopped; the next event of an active one is tried at once.

        Raises:
            WebhookNotFound: there is no such webhook.
        """
        after = await self._change(webhook_id, actor, _resumption)
        await self._webhooks.try_at_once(webhook_id)
        self._bell.ring()
        return await self._with_progress(after)

    async def delete(self, webhook_id: str, actor: Actor) -> None:
        """Delete a webhook; raise `WebhookNotFound` (404)."""
        while not await self._webhooks.delete(await self._read(webhook_id), self._event(WEBHOOK_DELETED, actor, {})):
            continue

    async def _change(self, webhook_id: str, actor: Actor, decide: _Decision) -> Webhook:
        """Change a webhook as it is decided on what is read, again where that has changed meanwhile."""
        while True:
            before = await self._read(webhook_id)
            if (change := decide(before)) is None:
                return before
            event = self._event(change.type, actor, change.shown)
            if after := await self._webhooks.change(before, change.fields, event, at_once=change.at_once):
                self._bell.ring()
                return after

    async def _read(self, webhook_id: str) -> Webhook:
        if (webhook := await self._webhooks.get(webhook_id)) is None:
            raise WebhookNotFound
        return webhook

    async def _with_progress(self, webhook: Webhook) -> schemas.Webhook:
        progress = await self._webhooks.progress_of([webhook.id])
        return _shown(webhook, progress.get(webhook.id))

    def _known(self, types: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._types.check(types, pointer="#/types/")))

    async def _permitted(self, url: str) -> str:
        """Return an address that may be delivered to now; each delivery looks again."""
        url = checked_url(url)
        await self._addresses.check(url)
        return url

    def _event(self, type_: EventType, actor: Actor, shown: Mapping[str, tuple[object, object]]) -> Event:
        return Event(type=type_, at=self._clock(), actor=actor, changes=shown)


def _update(before: Webhook, given: Mapping[str, object]) -> _Change | None:
    fields = {name: value for name, value in given.items() if value != getattr(before, name)}
    if not fields:
        return None
    shown = {name: (getattr(before, name), value) for name, value in fields.items()}
    if "url" in fields:
        del shown["url"]
        shown["host"] = (_host(before.url), _host(str(fields["url"])))
    if "active" in fields:
        fields["inactive_because"] = None if fields["active"] else Because.PAUSED
    return _Change(WEBHOOK_UPDATED, fields, shown, at_once="url" in fields or bool(fields.get("active")))


def _resumption(before: Webhook) -> _Change | None:
    if before.active:
        return None
    return _Change(WEBHOOK_RESUMED, {"active": True, "inactive_because": None}, {"active": (False, True)})


def _host(url: str) -> str:
    """Return the one part of an address that events show: paths and queries may contain tokens."""
    return urlsplit(url).hostname or ""


def _shown(webhook: Webhook, progress: Progress | None) -> schemas.Webhook:
    progress = progress or Progress(position=0)
    come = {name: getattr(progress, name) for name in ("position", "failures", "failing_since")}
    return schemas.Webhook.model_validate({**asdict(webhook), **come, "next_attempt_at": progress.next_at})


def _with_secret(webhook: schemas.Webhook, secret: str) -> schemas.WebhookWithSecret:
    return schemas.WebhookWithSecret.model_validate({**dict(webhook), "secret": secret})

"""The services of webhooks: each is made once, out of named collaborators."""

from parley_core import EventLog, Parley
from parley_core.http.cursors import Cursors
from parley_core.http.walks import Walks
from parley_events import EventFeed, EventTypes
from parley_webhooks.attempts.repository import AttemptRepository
from parley_webhooks.attempts.service import AttemptService
from parley_webhooks.bell import Bell
from parley_webhooks.deliveries.courier import Courier
from parley_webhooks.deliveries.dispatcher import Dispatcher
from parley_webhooks.deliveries.messenger import Messenger
from parley_webhooks.deliveries.repository import DeliveryRepository
from parley_webhooks.deliveries.service import DeliveryService
from parley_webhooks.settings import WebhooksSettings
from parley_webhooks.subscriptions.repository import WebhookRepository
from parley_webhooks.subscriptions.secrets import Secrets
from parley_webhooks.subscriptions.service import WebhookService
from parley_webhooks.transport.addresses import Addresses
from parley_webhooks.transport.key_file import vault_of
from parley_webhooks.transport.sender import Sender


def services_of(parley: Parley) -> list[object]:
    """Return the services of one running application.

    Raises:
        StartupError: the key can't be used, or the file of certificates can't be read.
    """
    database, clock = parley.database, parley.clock
    webhooks, attempts = WebhookRepository(database), AttemptRepository(database)
    secrets, addresses, bell = _secrets(parley), _addresses(parley), Bell()
    return [
        secrets,
        bell,
        AttemptService(webhooks=webhooks, attempts=attempts, cursors=parley.require(Cursors)),
        WebhookService(
            webhooks=webhooks,
            log=parley.require(EventLog),
            types=parley.require(EventTypes),
            addresses=addresses,
            secrets=secrets,
            walks=parley.require(Walks),
            clock=clock,
            bell=bell,
        ),
        *_deliveries(parley, webhooks=webhooks, attempts=attempts, secrets=secrets, addresses=addresses, bell=bell),
    ]


def _secrets(parley: Parley) -> Secrets:
    key = parley.settings(WebhooksSettings).webhooks_key
    return Secrets(vault_of(key=key.get_secret_value() if key else None, data_dir=parley.data_dir))


def _addresses(parley: Parley) -> Addresses:
    return Addresses(parley.settings(WebhooksSettings).allowed_networks())


def _deliveries(
    parley: Parley,
    *,
    webhooks: WebhookRepository,
    attempts: AttemptRepository,
    secrets: Secrets,
    addresses: Addresses,
    bell: Bell,
) -> list[object]:
    database, clock, log, feed = parley.database, parley.clock, parley.require(EventLog), parley.require(EventFeed)
    sender = Sender(addresses, ca_file=parley.settings(WebhooksSettings).webhooks_ca_file, clock=clock)
    messenger = Messenger(sender=sender, secrets=secrets, clock=clock)
    deliveries = DeliveryRepository(database)
    courier = Courier(
        database=database,
        feed=feed,
        webhooks=webhooks,
        deliveries=deliveries,
        attempts=attempts,
        messenger=messenger,
        clock=clock,
    )
    return [
        sender,
        Dispatcher(log=log, feed=feed, deliveries=deliveries, courier=courier, clock=clock, bell=bell),
        DeliveryService(
            webhooks=webhooks, log=log, attempts=attempts, messenger=messenger, secrets=secrets, clock=clock
        ),
    ]

"""The application: accounts from parley-auth, messages from parley-messaging, and the desk's own plugin."""

from collections.abc import Sequence

from fastapi import FastAPI

import parley_auth.plugin
from parley_core import Parley, Settings
from parley_messaging import MessageLog, messages_of
from ticket_desk import plugin

TICKET_LOG = MessageLog(
    scope="ticket",
    prefix="/tickets/{ticket_id}/messages",
    states=frozenset({"open"}),
    until="the ticket is closed",
)


def create_app(settings: Sequence[Settings] = ()) -> FastAPI:
    """Return the application; `settings` replace what the environment says."""
    parley = Parley(settings, plugins=[parley_auth.plugin, messages_of(TICKET_LOG), plugin])
    app = FastAPI(title="Ticket desk", lifespan=parley.lifespan)
    parley.mount(app)
    return app

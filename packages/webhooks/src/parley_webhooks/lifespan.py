"""What webhooks open and close: the dispatcher and the connections to receivers."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from parley_core import Parley
from parley_core.stopping import before_stopping
from parley_webhooks.deliveries.dispatcher import Dispatcher
from parley_webhooks.subscriptions.secrets import Secrets
from parley_webhooks.transport.sender import Sender


@asynccontextmanager
async def webhooks_lifespan(parley: Parley) -> AsyncIterator[None]:
    """Deliver while the application serves requests; a command of the command line delivers nothing."""
    dispatcher = parley.require(Dispatcher)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(parley.require(Sender).close)
        if parley.is_verified and parley.require(Secrets).are_usable:
            await stack.enter_async_context(dispatcher.running())
            stack.enter_context(before_stopping(dispatcher.stop))
        yield

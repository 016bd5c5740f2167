"""Measure webhooks: `python -m benchmarks.webhooks [--deliveries 2000]`.

It starts an embedded MongoDB. The application and its receivers are in this process, which so does the receivers' work
too. The absolute figures depend on the machine.
"""

import argparse
import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import trustme

from benchmarks import log_data
from parley_app import create_app
from parley_auth.testing import an_account, auth_settings
from parley_core.embedded import EmbeddedMongoDB
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import running_client
from parley_webhooks.testing import Inbox, webhooks_settings

RECEIVER_SECONDS, AT_LEAST = 0.005, 50
_TYPES = ["interview.updated", "interview.rescheduled"]


async def measure(uri: str, folder: Path, deliveries: int) -> None:
    """Deliver a log to one receiver, and then to several at once."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    core = CoreSettings(mongodb_uri=uri, mongodb_database="benchmark")  # type: ignore[arg-type]
    app = create_app([core, auth_settings(), webhooks_settings(folder / "ca.pem")])
    async with running_client(app) as client:
        await log_data.fill(app.state.parley.database, deliveries)
        client.headers.update((await an_account(app, "admin")).headers)
        one = await rate(client, authority, deliveries, receivers=1)
        met = "met" if one >= AT_LEAST else "MISSED"
        print(f"  one receiver that takes 5 ms: {one:.0f} deliveries/s (at least {AT_LEAST}: {met})")
        five = await rate(client, authority, deliveries // 5, receivers=5)
        print(f"  five of them at once: {five:.0f} deliveries/s together")


async def rate(client: httpx.AsyncClient, authority: trustme.CA, deliveries: int, *, receivers: int) -> float:
    """Return the deliveries per second that arrive at so many receivers, each of which gets so many."""
    async with AsyncExitStack() as stack:
        inboxes = [await stack.enter_async_context(Inbox(authority)) for _ in range(receivers)]
        began = time.perf_counter()
        created = []
        for inbox in inboxes:
            inbox.seconds = RECEIVER_SECONDS
            body = {"url": inbox.address, "types": _TYPES, "from": 0}
            created.append((await client.post("/v1/webhooks", json=body)).json()["id"])
        await asyncio.gather(*(inbox.wait_for(deliveries, seconds=600) for inbox in inboxes))
        seconds = time.perf_counter() - began
        for webhook_id in created:
            await client.delete(f"/v1/webhooks/{webhook_id}")
    return receivers * deliveries / seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--deliveries", type=int, default=2000, help="the number of deliveries in a measurement")
    deliveries = parser.parse_args().deliveries
    with tempfile.TemporaryDirectory() as folder, EmbeddedMongoDB.start(Path(folder, "data")) as mongodb:
        print("Webhooks")
        asyncio.run(measure(mongodb.uri, Path(folder), deliveries))


if __name__ == "__main__":
    main()

"""Three workers, random writes and reads at the same time: no read misses a write that was acknowledged before it.

Writers don't wait for each other, and some changes are sent to two workers at once: each answer counts, whichever of
the two has changed something.

`COHERENCE_STEPS` sets how many there are; `nox -s coherence` runs 20,000.
"""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from counts import rounds
from races import World, agree, create_interviews, race

from parley_app import create_app
from parley_auth.testing import an_account, auth_settings
from parley_core.caching.store import ReadCache
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import running_client

STEPS = int(os.environ.get("COHERENCE_STEPS", "160"))


@pytest.fixture
async def world(core_settings: CoreSettings) -> AsyncIterator[World]:
    off = core_settings.model_copy(update={"cache_enabled": False})
    apps = [create_app([s, auth_settings()]) for s in (core_settings, core_settings, core_settings, off)]
    async with AsyncExitStack() as stack:
        *workers, oracle = [await stack.enter_async_context(running_client(app)) for app in apps]
        admin = await an_account(apps[0], "admin")
        members = [await an_account(apps[0], role) for role in ("interviewer", "candidate")]
        interviews = await create_interviews(workers[0], admin, *members)
        caches = [app.state.parley.require(ReadCache) for app in apps[:3]]
        yield World(workers, caches, oracle, admin, members, interviews)


async def test_no_stale_read(world: World) -> None:
    """Of hundreds of reads among writes none is older than what was acknowledged before it began; many are hits."""
    await race(world, STEPS)
    assert sum(cache.hits for cache in world.caches) > STEPS // 10


@pytest.mark.attack
async def test_membership_and_status(world: World) -> None:
    """Adding, removing and starting through any worker shows in lists and details through every other at once."""
    member, one = world.members[1], world.interviews[0]
    base = f"/v1/interviews/{one.id}"
    for _ in range(rounds(1, full=10)):
        await agree(world)
        removed = await world.any_worker().delete(f"{base}/participants/{member.id}", headers=world.admin.headers)
        assert removed.status_code == 204
        await agree(world)
        body = {"user_id": member.id}
        added = await world.any_worker().post(f"{base}/participants", json=body, headers=world.admin.headers)
        assert added.status_code == 201
    await world.any_worker().patch(f"{base}/status", json={"status": "ongoing"}, headers=world.admin.headers)
    await agree(world)

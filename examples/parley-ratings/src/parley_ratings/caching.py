"""How lists of ratings are cached, and which events invalidate them."""

from collections.abc import Iterator, Mapping
from typing import Any

from parley_auth import ScopedAccess
from parley_core import Composition, Invalidation
from parley_core.caching.routes import CachedRead
from parley_core.data.invalidation import Generations
from parley_ratings.events import RATING_SUBMITTED


def list_of(interview_id: str) -> str:
    """Return the key of the generation of one interview's ratings."""
    return f"ratings:{interview_id}"


def _invalidated(event: Mapping[str, Any]) -> Iterator[str]:
    yield list_of(event["changes"]["interview_id"]["to"])


def _viewer(_access: ScopedAccess) -> None:
    """Everybody who may read the list sees the same."""


async def _generation(parley: Composition, access: ScopedAccess) -> int:
    return await parley.require(Generations).current(list_of(access.resource.id))


LIST = CachedRead(viewer=_viewer, validator=_generation)

INVALIDATIONS = [Invalidation(on=RATING_SUBMITTED.name, keys=_invalidated)]

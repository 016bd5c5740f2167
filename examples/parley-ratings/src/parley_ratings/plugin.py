"""The table of contents of ratings."""

from parley_auth import PolicyRule
from parley_core import CollectionIndexes, EventType, Invalidation, Parley, Router, hookimpl
from parley_ratings import caching, endpoints, events, indexes, policy
from parley_ratings.repository import RatingRepository
from parley_ratings.service import RatingService


@hookimpl
def parley_routers() -> list[Router]:
    return [endpoints.router]


@hookimpl
def parley_indexes() -> list[CollectionIndexes]:
    return indexes.INDEXES


@hookimpl
def parley_events() -> list[EventType]:
    return events.EVENTS


@hookimpl
def parley_cache_invalidations() -> list[Invalidation]:
    return caching.INVALIDATIONS


@hookimpl
def parley_policies() -> list[PolicyRule]:
    return policy.POLICIES


@hookimpl
def parley_services(parley: Parley) -> list[object]:
    return [RatingService(ratings=RatingRepository(parley.database), clock=parley.clock)]

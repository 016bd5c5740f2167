"""Messaging's table of contents."""

from contextlib import AbstractAsyncContextManager

from parley_auth import PolicyRule
from parley_core import CollectionIndexes, Parley, Router, hookimpl
from parley_messaging import endpoints, indexes, lifespan, policy


@hookimpl
def parley_routers() -> list[Router]:
    return [endpoints.router]


@hookimpl
def parley_indexes() -> list[CollectionIndexes]:
    return indexes.INDEXES


@hookimpl
def parley_policies() -> list[PolicyRule]:
    return policy.POLICIES


@hookimpl
def parley_lifespan(parley: Parley) -> AbstractAsyncContextManager[None]:
    return lifespan.messaging_lifespan(parley)

"""The table of contents of widgets."""

from collections.abc import Sequence

from parley_auth import PolicyRule
from parley_core import CollectionIndexes, EventType, Parley, Router, hookimpl
from parley_widgets import endpoints, events, indexes, policy
from parley_widgets.repository import WidgetRepository
from parley_widgets.service import WidgetService


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
def parley_policies() -> list[PolicyRule]:
    return policy.POLICIES


@hookimpl
def parley_services(parley: Parley) -> Sequence[object]:
    return [WidgetService(WidgetRepository(parley.database), parley.clock)]

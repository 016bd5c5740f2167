"""The core of Parley: composition of plugins, start-up proof, MongoDB, errors, pages and strict requests."""

from parley_core.clock import Clock, utc_now
from parley_core.database import Database, Session, in_transaction
from parley_core.errors import ParleyError, StartupError, raises
from parley_core.events import Actor, Event, EventType, Invalidation
from parley_core.ids import new_id, parse_id
from parley_core.indexes import CollectionIndexes
from parley_core.markers import hookimpl, hookspec
from parley_core.pagination import Page, PageQuery, Pager, PagerDep
from parley_core.parley import Parley, ParleyDep
from parley_core.recorded import PRIVATE, Document, Expression, first_recorded, insert_recorded, record, recorded
from parley_core.requests import request_id_of
from parley_core.routing import PublicRoute, Router
from parley_core.settings import Settings

__all__ = [
    "PRIVATE",
    "Actor",
    "Clock",
    "CollectionIndexes",
    "Database",
    "Document",
    "Event",
    "EventType",
    "Expression",
    "Invalidation",
    "Page",
    "PageQuery",
    "Pager",
    "PagerDep",
    "Parley",
    "ParleyDep",
    "ParleyError",
    "PublicRoute",
    "Router",
    "Session",
    "Settings",
    "StartupError",
    "first_recorded",
    "hookimpl",
    "hookspec",
    "in_transaction",
    "insert_recorded",
    "new_id",
    "parse_id",
    "raises",
    "record",
    "recorded",
    "request_id_of",
    "utc_now",
]

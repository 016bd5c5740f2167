"""The core of Parley: composition of plugins, checks at start, MongoDB, errors, pages and strict requests."""

from typing import TYPE_CHECKING

from parley_core.lazily import lazily

if TYPE_CHECKING:
    from parley_core.backup.declared import KeyFile, Revocation
    from parley_core.clock import Clock, utc_now
    from parley_core.data.database import in_transaction
    from parley_core.data.documents import Document, Session
    from parley_core.data.entries import PRIVATE, Expression, digest_of
    from parley_core.data.events import Actor, Event, EventType, Invalidation
    from parley_core.data.handle import Database
    from parley_core.data.ids import new_id, parse_id
    from parley_core.data.indexes import CollectionIndexes
    from parley_core.data.migrations import Migration
    from parley_core.data.recorded import insert_all_recorded, insert_recorded, record, record_at
    from parley_core.errors import ParleyError, StartupError, raises
    from parley_core.http.pagination import Page, PageQuery, Pager, PagerDep
    from parley_core.http.requests import Composition, provided, request_id_of
    from parley_core.http.routing import PublicRoute, Router
    from parley_core.kernel.application import Parley
    from parley_core.kernel.dependencies import ParleyDep
    from parley_core.kernel.settings import Settings
    from parley_core.log.history import History, HistoryEntry
    from parley_core.log.outbox import emit
    from parley_core.log.reader import EventLog, LogEntry, LogFilter
    from parley_core.markers import hookimpl, hookspec

__all__ = [
    "PRIVATE",
    "Actor",
    "Clock",
    "CollectionIndexes",
    "Composition",
    "Database",
    "Document",
    "Event",
    "EventLog",
    "EventType",
    "Expression",
    "History",
    "HistoryEntry",
    "Invalidation",
    "KeyFile",
    "LogEntry",
    "LogFilter",
    "Migration",
    "Page",
    "PageQuery",
    "Pager",
    "PagerDep",
    "Parley",
    "ParleyDep",
    "ParleyError",
    "PublicRoute",
    "Revocation",
    "Router",
    "Session",
    "Settings",
    "StartupError",
    "digest_of",
    "emit",
    "hookimpl",
    "hookspec",
    "in_transaction",
    "insert_all_recorded",
    "insert_recorded",
    "new_id",
    "parse_id",
    "provided",
    "raises",
    "record",
    "record_at",
    "request_id_of",
    "utc_now",
]

__getattr__ = lazily(
    __name__,
    {
        "backup.declared": (
            "KeyFile",
            "Revocation",
        ),
        "clock": (
            "Clock",
            "utc_now",
        ),
        "data.database": ("in_transaction",),
        "data.documents": (
            "Document",
            "Session",
        ),
        "data.entries": (
            "PRIVATE",
            "Expression",
            "digest_of",
        ),
        "data.events": (
            "Actor",
            "Event",
            "EventType",
            "Invalidation",
        ),
        "data.handle": ("Database",),
        "data.ids": (
            "new_id",
            "parse_id",
        ),
        "data.indexes": ("CollectionIndexes",),
        "data.migrations": ("Migration",),
        "data.recorded": (
            "insert_all_recorded",
            "insert_recorded",
            "record",
            "record_at",
        ),
        "errors": (
            "ParleyError",
            "StartupError",
            "raises",
        ),
        "http.pagination": (
            "Page",
            "PageQuery",
            "Pager",
            "PagerDep",
        ),
        "http.requests": (
            "Composition",
            "provided",
            "request_id_of",
        ),
        "http.routing": (
            "PublicRoute",
            "Router",
        ),
        "kernel.application": ("Parley",),
        "kernel.dependencies": ("ParleyDep",),
        "kernel.settings": ("Settings",),
        "log.history": (
            "History",
            "HistoryEntry",
        ),
        "log.outbox": ("emit",),
        "log.reader": (
            "EventLog",
            "LogEntry",
            "LogFilter",
        ),
        "markers": (
            "hookimpl",
            "hookspec",
        ),
    },
)

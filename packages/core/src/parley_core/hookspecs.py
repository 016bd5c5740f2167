"""The hooks of core. All are called at start-up, none per request; each returns declarations.

A hook whose results another package consumes is specified by that package (see `parley_addhooks`). Every hook is a
plain function: start-up fails when one is a coroutine, a generator or a wrapper, or when it raises.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import pluggy
from pydantic_settings import BaseSettings

from parley_core.backup.declared import KeyFile, Revocation
from parley_core.data.events import EventType, Invalidation
from parley_core.data.indexes import CollectionIndexes
from parley_core.data.migrations import Migration
from parley_core.http.framework import RouteContext
from parley_core.http.requests import Composition
from parley_core.http.routing import Router
from parley_core.markers import hookspec

if TYPE_CHECKING:
    import typer


@hookspec(historic=True)
def parley_addhooks(pluginmanager: pluggy.PluginManager) -> None:
    """Called once for each plugin as it is registered, before any other hook.

    Args:
        pluginmanager: pluggy's manager; call `add_hookspecs(module)` on it to add hooks of your own.

    Start-up fails when it raises.
    """


@hookspec
def parley_settings() -> Sequence[type[BaseSettings]]:
    """Called once, before anything is built.

    Returns: settings classes derived from `parley_core.Settings`; each is read from the environment and
    validated, and `parley.settings(cls)` returns the instance.

    Start-up fails when a value is missing or wrong (every problem is reported at once, never a secret's
    value), when two classes have a field of the same name, and when a class isn't derived from `Settings`.
    """
    raise NotImplementedError


@hookspec
def parley_routers(parley: Composition) -> Sequence[Router]:
    """Called once, when Parley is mounted on an application.

    Args:
        parley: the composed application, a `parley_core.Parley`: its settings are known, and nothing runs yet.

    Returns: `parley_core.Router`s, each with its prefix and tags; they are mounted under `/v1`,
    or at the root where a router says `versioned=False`.

    Start-up fails when a router is not a `parley_core.Router`, contains a mounted sub-application, a served folder or
    a route of another class, or brings a method and path or an operation id that exists already, and when no plugin
    brings a route at all.
    """
    raise NotImplementedError


@hookspec
def parley_indexes() -> Sequence[CollectionIndexes]:
    """Called once, before the application accepts requests.

    Returns: the indexes of each collection that the plugin owns; missing ones are created.

    Start-up fails when two plugins own one collection, or when MongoDB refuses to build an index, as it does
    where one of the same name has another definition.
    """
    raise NotImplementedError


@hookspec
def parley_migrations() -> Sequence[Migration]:
    """Called once, when the application is composed.

    Returns: all migrations of the plugin's stored data, from the first on. Those that this release needs are done
    before the indexes are built, the others beside the requests; see `parley_core.Migration`.

    Start-up fails when their numbers aren't 1, 2, 3 and so on, when one that is needed fails, and when the stored data
    is newer than the last of them.
    """
    raise NotImplementedError


@hookspec
def parley_events() -> Sequence[EventType]:
    """Called once, when the catalogue of events is built.

    Returns: the types of events that the plugin records.

    Start-up fails when two plugins declare one type.
    """
    raise NotImplementedError


@hookspec
def parley_cache_invalidations() -> Sequence[Invalidation]:
    """Called once, after all events are known.

    Returns: rules that say which cache generations an event invalidates.

    Start-up fails when a rule is for a type of event that no plugin declares, unless the rule is optional.
    """
    raise NotImplementedError


@hookspec
def parley_services(parley: Composition) -> Sequence[object]:
    """Called once, when the database is open and the indexes exist, before any lifespan.

    Args:
        parley: the running application, a `parley_core.Parley`. `parley.require(cls)` of a class that another plugin
            brings asks that plugin first, so that the order of plugins means nothing. Where the class belongs to no
            plugin's package, all plugins are asked in turn, and a hook that requires what isn't there yet is called
            again later.

    Returns: objects, each made once for the whole application; `parley.require(cls)` and the dependency
    `parley_core.provided(cls)` find them by their class.

    Start-up fails when two objects of one class are provided, and when no plugin provides a class that another one, or
    a route, requires.
    """
    raise NotImplementedError


@hookspec
def parley_key_files() -> Sequence[KeyFile]:
    """Called once, when a backup is made or restored.

    Returns: the key files that the plugin keeps in the data directory of an embedded database. `parley backup
    --with-keys` takes them along; without them, both commands say what no longer works.

    Start-up fails when two plugins declare a file of one name; then neither command does anything.
    """
    raise NotImplementedError


@hookspec
def parley_revocations() -> Sequence[Revocation]:
    """Called once, when a backup is restored with `--revoke-sessions`.

    Returns: updates that take from the documents of a collection what was granted to callers, such as sessions. They
    are made before the restored data is used.

    Start-up fails when the hook raises; then nothing is restored.
    """
    raise NotImplementedError


@hookspec
def parley_commands() -> "Sequence[typer.Typer]":
    """Called once, when the command line starts, unless an entry point of the group `parley.commands` says the same.

    Returns: Typer applications whose commands are hung under `parley`. In a command `typer.Context.obj` is a
    factory `(settings: Sequence[BaseSettings]) -> FastAPI`, put there by the command line: it returns the composed
    application, with these instances in place of what the environment says, and `app.state.parley` is its `Parley`.

    The command line fails when two plugins give a command of the same name.
    """
    raise NotImplementedError


@hookspec
def parley_verify(parley: Composition, routes: Sequence[RouteContext]) -> None:
    """Called after all routes are mounted, and again when all lifespans are entered, before the routes are sealed.

    In a host application it is called, too, whenever the host adds a route to the running application. What it provides
    after the first time is forgotten.

    Args:
        parley: the composed application; the first time its database isn't open yet.
        routes: every HTTP and WebSocket route of the application with its full path and `dependant`.

    Start-up fails when it raises; raise `StartupError` and name the culprit.
    """


@hookspec
def parley_lifespan(parley: Composition) -> AbstractAsyncContextManager[None] | None:
    """Called once, after the services of all plugins exist and before the application accepts requests.

    Args:
        parley: the running application.

    Returns: an async context manager, entered now and left, in reverse order, when the application stops;
    or None.

    Start-up fails when it raises or when entering raises.
    """

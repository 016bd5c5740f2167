"""The typed façade over pluggy: every call into a plugin goes through here, and a failing one is named.

pluggy runs at start-up only. Hooks return declarations; no request ever asks a plugin manager.
"""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, TypeVar

import pluggy

from parley_core import hookspecs
from parley_core.backup.declared import KeyFile, Revocation
from parley_core.data.events import EventType, Invalidation
from parley_core.data.indexes import CollectionIndexes
from parley_core.data.migrations import Migration
from parley_core.declarations import Declared
from parley_core.errors import StartupError
from parley_core.http.requests import Composition
from parley_core.http.routing import Router
from parley_core.kernel.discovery import (
    described,
    find_plugins,
    installed_plugins,
    module_of,
    one_line,
    version_of,
)
from parley_core.kernel.hook_calls import HookCall, declarations_in
from parley_core.markers import PROJECT

T = TypeVar("T")


@dataclass(frozen=True)
class PluginInfo:
    """What `parley plugins` prints of a plugin."""

    name: str
    module: str
    version: str
    hooks: tuple[str, ...]


class Plugins:
    """The plugins of one application.

    Args:
        plugins: modules (or objects) to compose; None discovers those of the entry-point group `parley`.
        allowed: names of entry points to load, all others are left out; None loads every one.

    Raises:
        StartupError: a plugin can't be imported, has an unknown hook or argument or one that would never be called,
            two have one name, an allowed one isn't installed, or there is none.
    """

    def __init__(self, plugins: Sequence[object] | None = None, *, allowed: Sequence[str] | None = None) -> None:
        self._manager = _manager_of()
        self._declared: dict[str, list[Declared[Any]]] = {}
        for name, plugin in find_plugins(plugins, allowed):
            self._register(name, plugin)
        self._check_hooks()

    def _register(self, name: str, plugin: object) -> None:
        if self._manager.has_plugin(name):
            raise StartupError(f"two plugins are named '{name}'")
        if self._manager.is_registered(plugin):
            raise StartupError(f"plugin '{name}' is given a second time, as '{self._manager.get_name(plugin)}'")
        try:
            self._manager.register(plugin, name=name)
        except pluggy.PluginValidationError as error:
            # Hooks that this plugin adds can show that an earlier one is wrong.
            culprit = self._manager.get_name(error.plugin) or name
            raise StartupError(f"plugin '{culprit}': {one_line(error)}") from error
        except Exception as error:
            raise StartupError(f"plugin '{name}': hook 'parley_addhooks' raised {described(error)}") from error

    def _check_hooks(self) -> None:
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            name = self._manager.get_name(error.plugin)
            raise StartupError(f"plugin '{name}': {self._absence_in(error.plugin) or one_line(error)}") from error
        for name, plugin in self._manager.list_name_plugin():
            self._check_plugin(name, plugin)

    def _absence_in(self, plugin: object) -> str | None:
        """Return which installed plugin is missing, whose hooks this one implements; None if none is."""
        callers = [caller for caller in self._manager.get_hookcallers(plugin) or () if not caller.has_spec()]
        pending = {
            c.name for c in callers for own in c.get_hookimpls() if own.plugin is plugin and not own.optionalhook
        }
        for hook in sorted(pending):
            for name, other in installed_plugins():
                if not self._manager.has_plugin(name) and _specifies(_manager_of(other), hook):
                    return (
                        f"hook '{hook}' is one of plugin '{name}', which is missing: add {module_of(other)} to the "
                        f"plugins, or {name} to PARLEY_PLUGINS"
                    )
        return None

    def _check_plugin(self, name: str, plugin: object) -> None:
        """Refuse a plugin that would silently do less than its author thinks."""
        callers = self._manager.get_hookcallers(plugin) or []
        if not callers:
            raise StartupError(f"plugin '{name}' implements no hook: mark its functions with parley_core.hookimpl")
        for hook in vars(self._manager.hook):
            if hasattr(plugin, hook) and self._manager.parse_hookimpl_opts(plugin, hook) is None:
                raise StartupError(f"plugin '{name}': '{hook}' isn't marked with parley_core.hookimpl")
        for hook, own in ((caller.name, i) for caller in callers for i in caller.get_hookimpls() if i.plugin is plugin):
            if _runs_later(own.function):
                raise StartupError(f"plugin '{name}': hook '{hook}' must be a plain function that returns")

    @property
    def prove_guards(self) -> bool:
        """Whether a plugin proves that every route is guarded: it has to know which may stand open."""
        return _specifies(self._manager, "parley_public_routes")

    @property
    def names(self) -> list[str]:
        """The names of all plugins."""
        return [name for name, plugin in self._manager.list_name_plugin() if plugin is not None]

    def settings_classes(self) -> Iterator[Declared[type[Any]]]:
        """Return the settings classes of all plugins; every method here raises as `declarations` does."""
        return self.declarations("parley_settings", type)

    def routers(self, parley: Composition) -> Iterator[Declared[Router]]:
        """Return the routers of all plugins."""
        return self.declarations("parley_routers", Router, parley=parley)

    def indexes(self) -> Iterator[Declared[CollectionIndexes]]:
        """Return the collections of all plugins with their indexes."""
        return self.declarations("parley_indexes", CollectionIndexes)

    def migrations(self) -> Iterator[Declared[Migration]]:
        """Return the migrations of all plugins."""
        return self.declarations("parley_migrations", Migration)

    def event_types(self) -> Iterator[Declared[EventType]]:
        """Return the event types of all plugins."""
        return self.declarations("parley_events", EventType)

    def invalidations(self) -> Iterator[Declared[Invalidation]]:
        """Return the invalidation rules of all plugins."""
        return self.declarations("parley_cache_invalidations", Invalidation)

    def key_files(self) -> Iterator[Declared[KeyFile]]:
        """Return the key files of all plugins."""
        return self.declarations("parley_key_files", KeyFile)

    def revocations(self) -> Iterator[Declared[Revocation]]:
        """Return what takes away what all plugins have granted."""
        return self.declarations("parley_revocations", Revocation)

    def lifespans(self, parley: Composition) -> Iterator[Declared[AbstractAsyncContextManager[None]]]:
        """Return the lifespans of all plugins, each made when it is asked for."""
        results = (call.run(parley=parley) for call in self.calls("parley_lifespan"))
        return (declared for declared in results if declared.value is not None)

    def calls(self, hook: str) -> list[HookCall]:
        """Return each plugin's implementation of a hook, in the order of the plugins' names."""
        return [
            HookCall(hook, i.plugin_name, module_of(i.plugin).partition(".")[0], i)
            for i in getattr(self._manager.hook, hook).get_hookimpls()
        ]

    def declarations(self, hook: str, kind: type[T], **arguments: object) -> Iterator[Declared[T]]:
        """Return each single declaration of a hook that returns a sequence of them; each plugin is asked once.

        Args:
            hook: the hook's name.
            kind: the class of the declarations.
            arguments: the hook's arguments.

        Raises:
            StartupError: a hook raised, or returned something else than a sequence of `kind`.
        """
        if hook not in self._declared:
            returned = [call.run(**arguments) for call in self.calls(hook)]
            self._declared[hook] = [d for result in returned for d in declarations_in(result, hook, kind)]
        return iter(self._declared[hook])

    def info(self) -> list[PluginInfo]:
        """Return every plugin with its version and the hooks that it implements."""
        return [self._info_of(name, plugin) for name, plugin in self._manager.list_name_plugin() if plugin is not None]

    def _info_of(self, name: str, plugin: object) -> PluginInfo:
        module = module_of(plugin)
        hooks = tuple(caller.name for caller in self._manager.get_hookcallers(plugin) or ())
        return PluginInfo(name, module, version_of(module), tuple(sorted(hooks)))


def _manager_of(*plugins: object) -> pluggy.PluginManager:
    """Return a manager that knows core's hooks and those that these plugins add."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.hook.parley_addhooks.call_historic(kwargs={"pluginmanager": manager})
    for plugin in plugins:
        manager.register(plugin)
    return manager


def _specifies(manager: pluggy.PluginManager, hook: str) -> bool:
    caller = getattr(manager.hook, hook, None)
    return caller is not None and caller.has_spec()


def _runs_later(function: object) -> bool:
    """Return whether calling the function only makes something to be run: a check in it would never be made."""
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    return any(is_kind(function) for is_kind in kinds)

"""The typed façade over pluggy: every call into a plugin goes through here and is named when it fails.

pluggy runs at start-up only. Hooks return declarations; no request ever asks a plugin manager.
"""

import importlib.metadata
import inspect
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pluggy

from parley_core import hookspecs
from parley_core.errors import StartupError
from parley_core.markers import PROJECT

ENTRY_POINT_GROUP = "parley"
_NONE_FOUND = "no plugin found: install a package with an entry point in the group 'parley'"


@dataclass(frozen=True)
class Declared:
    """One declaration and the plugin that made it."""

    plugin: str
    value: Any


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
        from parley_core import plugin as core_plugin  # noqa: PLC0415 - its settings need this module

        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        found = list(_discover(allowed)) if plugins is None else [(_name_of(p), p) for p in plugins]
        if not found:
            raise StartupError("PARLEY_PLUGINS names no plugin" if allowed == () else _NONE_FOUND)
        self._manager.hook.parley_addhooks.call_historic(kwargs={"pluginmanager": self._manager})
        # Load order means nothing; sorting keeps messages and tables the same on every machine.
        for name, plugin in [("core", core_plugin), *sorted(found, key=operator.itemgetter(0))]:
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
            raise StartupError(
                f"plugin '{self._manager.get_name(error.plugin) or name}': {_one_line(error)}"
            ) from error
        except Exception as error:
            raise StartupError(f"plugin '{name}': hook 'parley_addhooks' raised {_told(error)}") from error

    def _check_hooks(self) -> None:
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise StartupError(f"plugin '{self._manager.get_name(error.plugin)}': {_one_line(error)}") from error
        for name, plugin in self._manager.list_name_plugin():
            self._check_plugin(name, plugin)

    def _check_plugin(self, name: str, plugin: object) -> None:
        """Refuses a plugin that would silently do less than its author thinks."""
        callers = self._manager.get_hookcallers(plugin) or []
        if not callers:
            raise StartupError(f"plugin '{name}' implements no hook: mark its functions with parley_core.hookimpl")
        for hook in vars(self._manager.hook):
            if hasattr(plugin, hook) and self._manager.parse_hookimpl_opts(plugin, hook) is None:
                raise StartupError(f"plugin '{name}': '{hook}' isn't marked with parley_core.hookimpl")
        for hook, own in ((caller.name, i) for caller in callers for i in caller.get_hookimpls() if i.plugin is plugin):
            if _runs_later(own.function):
                raise StartupError(f"plugin '{name}': hook '{hook}' must be a plain function that returns")

    def call(self, hook: str, **arguments: object) -> Iterator[Declared]:
        """Each plugin's result of one hook, in the order of the plugins' names, None left out.

        Raises:
            StartupError: a plugin's hook raised; the message names plugin, hook and error.
        """
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            name = implementation.plugin_name
            try:
                result = implementation.function(**{a: arguments[a] for a in implementation.argnames})
            except StartupError:
                raise
            except Exception as error:
                raise StartupError(f"plugin '{name}': hook '{hook}' raised {_told(error)}") from error
            if result is not None:
                yield Declared(name, result)

    def declarations(self, hook: str, kind: type | tuple[type, ...]) -> Iterator[Declared]:
        """Each single declaration of a hook that returns a sequence of them.

        Raises:
            StartupError: a hook raised, or returned something else than a sequence of `kind`.
        """
        for declared in self.call(hook):
            for value in _as_sequence(hook, declared):
                if not isinstance(value, kind):
                    raise StartupError(
                        f"plugin '{declared.plugin}': hook '{hook}' returned {type(value).__name__}, not {_kinds(kind)}"
                    )
                yield Declared(declared.plugin, value)

    def info(self) -> list[PluginInfo]:
        """Every plugin with its version and the hooks that it implements."""
        return [self._info_of(name, plugin) for name, plugin in self._manager.list_name_plugin() if plugin is not None]

    def _info_of(self, name: str, plugin: object) -> PluginInfo:
        module = getattr(plugin, "__name__", type(plugin).__module__)
        hooks = tuple(caller.name for caller in self._manager.get_hookcallers(plugin) or ())
        return PluginInfo(name, module, _version_of(module), tuple(sorted(hooks)))


def _discover(allowed: Sequence[str] | None) -> Iterator[tuple[str, object]]:
    points: dict[str, importlib.metadata.EntryPoint] = {}
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        first = points.setdefault(point.name, point)
        if first.value != point.value:
            raise StartupError(f"two packages give a plugin named '{point.name}': {first.value} and {point.value}")
    if unknown := set(allowed or ()) - set(points):
        raise StartupError(f"PARLEY_PLUGINS names '{min(unknown)}', which is not installed; known: {sorted(points)}")
    for name, point in points.items():
        if allowed is None or name in allowed:
            yield name, _load(point)


def _load(point: importlib.metadata.EntryPoint) -> object:
    try:
        return point.load()
    except Exception as error:
        raise StartupError(f"plugin '{point.name}' ({point.value}) failed to import: {_told(error)}") from error


def _name_of(plugin: object) -> str:
    """`parley_auth.plugin` is 'auth', like its entry point; other plugins go by their module or class."""
    if not isinstance(plugin, ModuleType):
        return type(plugin).__name__
    return plugin.__name__.removesuffix(".plugin").removeprefix("parley_")


def _as_sequence(hook: str, declared: Declared) -> Sequence[object]:
    if isinstance(declared.value, list | tuple):
        return declared.value
    raise StartupError(f"plugin '{declared.plugin}': hook '{hook}' must return a list or a tuple")


def _kinds(kind: type | tuple[type, ...]) -> str:
    return " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))


def _version_of(module: str) -> str:
    """The version of the distribution that brings the plugin; core has no entry point and goes by its name."""
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        if point.module == module and point.dist:
            return point.dist.version
    try:
        return importlib.metadata.version(module.partition(".")[0])
    except importlib.metadata.PackageNotFoundError:
        return "unpackaged"


def _runs_later(function: object) -> bool:
    """Whether calling the function only makes something to be run: a check in it would never be made."""
    kinds = (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction)
    return any(is_kind(function) for is_kind in kinds)


def _one_line(error: Exception) -> str:
    return " ".join(line.strip() for line in str(error).splitlines() if line.strip())


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {_one_line(error)}"

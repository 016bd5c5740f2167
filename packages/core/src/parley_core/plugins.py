"""The typed façade over pluggy: every call into a plugin goes through here and is named when it fails.

pluggy runs at start-up only. Hooks return declarations; no request ever asks a plugin manager.
"""

import importlib.metadata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pluggy

from parley_core import hookspecs
from parley_core.errors import StartupError
from parley_core.markers import PROJECT

ENTRY_POINT_GROUP = "parley"


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
        StartupError: a plugin can't be imported, names an unknown hook or argument, stands twice; none was found.
    """

    def __init__(self, plugins: Sequence[object] | None = None, *, allowed: Sequence[str] | None = None) -> None:
        from parley_core import plugin as core_plugin

        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(hookspecs)
        found = dict(_discover(allowed) if plugins is None else ((_name_of(p), p) for p in plugins))
        if not found:
            raise StartupError("no plugin found: install a package with an entry point in the group 'parley'")
        self._manager.hook.parley_addhooks.call_historic(kwargs={"pluginmanager": self._manager})
        # Load order means nothing; sorting keeps messages and tables the same on every machine.
        for name, plugin in [("core", core_plugin), *sorted(found.items())]:
            self._register(name, plugin)
        self._check_hooks()

    def _register(self, name: str, plugin: object) -> None:
        try:
            self._manager.register(plugin, name=name)
        except (ValueError, pluggy.PluginValidationError) as error:
            raise StartupError(f"plugin '{name}' was refused: {_first_line(error)}") from error
        except Exception as error:
            raise StartupError(f"plugin '{name}': hook 'parley_addhooks' raised {_told(error)}") from error

    def _check_hooks(self) -> None:
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            raise StartupError(f"plugin '{error.plugin_name()}': {_first_line(error)}") from error

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
    points = {}
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        if points.setdefault(point.name, point).value != point.value:
            raise StartupError(f"two packages give a plugin named '{point.name}': {point.value}")
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
    distributions = importlib.metadata.packages_distributions().get(module.partition(".")[0], [])
    return importlib.metadata.version(distributions[0]) if distributions else "unpackaged"


def _first_line(error: Exception) -> str:
    return " ".join(line.strip() for line in str(error).splitlines() if line.strip())


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {_first_line(error)}"

"""Finding plugins: installed ones by their entry points, given ones by their names."""

import importlib.metadata
import operator
from collections.abc import Iterator, Sequence
from types import ModuleType

from parley_core.errors import StartupError

ENTRY_POINT_GROUP = "parley"
# Core's own plugin is loaded by its address like all others, so that no room imports this package's table of contents.
_CORE = importlib.metadata.EntryPoint("core", "parley_core.plugin", ENTRY_POINT_GROUP)
_NONE_FOUND = "no plugin found: install a package with an entry point in the group 'parley'"


def find_plugins(given: Sequence[object] | None, allowed: Sequence[str] | None) -> list[tuple[str, object]]:
    """Return the plugins to compose with their names: core's own, then the others in the order of their names.

    Load order means nothing; sorting keeps messages and tables the same on every machine.

    Args:
        given: modules (or objects); None discovers those of the entry-point group `parley`.
        allowed: names of entry points to load, all others are left out; None loads every one.

    Raises:
        StartupError: a plugin can't be imported, two packages bring one name, an allowed plugin isn't installed, or
            there is none.
    """
    found = list(_installed(allowed)) if given is None else [(_name_of(plugin), plugin) for plugin in given]
    if not found:
        raise StartupError("PARLEY_PLUGINS names no plugin" if allowed == () else _NONE_FOUND)
    return [(_CORE.name, load(_CORE)), *sorted(found, key=operator.itemgetter(0))]


def installed_plugins() -> list[tuple[str, object]]:
    """Return every installed plugin with its name, for a message about one that is missing; none if one is broken."""
    try:
        return sorted(_installed(None), key=operator.itemgetter(0))
    except StartupError:
        return []


def module_of(plugin: object) -> str:
    """Return the name of the module that a plugin is, or is made in."""
    return str(getattr(plugin, "__name__", type(plugin).__module__))


def version_of(module: str) -> str:
    """Return the version of the distribution that brings a plugin's module."""
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        if point.module == module and point.dist:
            return point.dist.version
    try:
        return importlib.metadata.version(module.partition(".")[0])
    except importlib.metadata.PackageNotFoundError:
        return "unpackaged"


def described(error: Exception) -> str:
    """Return an error as one line: its class and its message."""
    return f"{type(error).__name__}: {one_line(error)}"


def one_line(error: Exception) -> str:
    """Return an error's message as one line."""
    return " ".join(line.strip() for line in str(error).splitlines() if line.strip())


def _installed(allowed: Sequence[str] | None) -> Iterator[tuple[str, object]]:
    for name, point in plugin_points(allowed).items():
        yield name, load(point)


def plugin_points(allowed: Sequence[str] | None) -> dict[str, importlib.metadata.EntryPoint]:
    """Return the entry points of the plugins to load by their names; raise as `find_plugins` does, importing none."""
    points: dict[str, importlib.metadata.EntryPoint] = {}
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        first = points.setdefault(point.name, point)
        if first.value != point.value:
            raise StartupError(f"two packages bring a plugin named '{point.name}': {first.value} and {point.value}")
    if unknown := set(allowed or ()) - set(points):
        raise StartupError(f"PARLEY_PLUGINS names '{min(unknown)}', which is not installed; known: {sorted(points)}")
    return {name: point for name, point in points.items() if allowed is None or name in allowed}


def load(point: importlib.metadata.EntryPoint) -> object:
    """Return what an entry point names; raise `StartupError` where it can't be imported."""
    try:
        return point.load()
    except Exception as error:
        raise StartupError(f"plugin '{point.name}' ({point.value}) failed to import: {described(error)}") from error


def _name_of(plugin: object) -> str:
    """Return a plugin's name: `parley_auth.plugin` is 'auth', like its entry point; others go by module or class."""
    if not isinstance(plugin, ModuleType):
        return type(plugin).__name__
    return plugin.__name__.removesuffix(".plugin").removeprefix("parley_")

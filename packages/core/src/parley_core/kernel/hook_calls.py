"""A call of one plugin's hook, and the declarations in what it returns; whatever is wrong, the plugin is named."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import pluggy

from parley_core.declarations import Declared
from parley_core.errors import StartupError
from parley_core.kernel.discovery import described

T = TypeVar("T")


@dataclass(frozen=True)
class HookCall:
    """One plugin's implementation of a hook, to be called once.

    Args:
        hook: the hook's name.
        plugin: the plugin's name.
        package: the top-level package that the plugin is part of.
        implementation: pluggy's record of the function.
    """

    hook: str
    plugin: str
    package: str
    implementation: pluggy.HookImpl

    def run(self, **arguments: object) -> Declared[Any]:
        """Return what the hook returns.

        Raises:
            StartupError: the hook raised; the message names plugin, hook and error.
        """
        try:
            wanted = {name: arguments[name] for name in self.implementation.argnames}
            return Declared(self.plugin, self.implementation.function(**wanted))
        except StartupError:
            raise
        except Exception as error:
            raise StartupError(f"plugin '{self.plugin}': hook '{self.hook}' raised {described(error)}") from error


def declarations_in(returned: Declared[Any], hook: str, kind: type[T]) -> Iterator[Declared[T]]:
    """Return each declaration in what one plugin's hook returned; raise as `Plugins.declarations` does."""
    if returned.value is None:
        return
    if not isinstance(returned.value, list | tuple):
        raise StartupError(f"{returned.owner}: hook '{hook}' must return a list or a tuple")
    for value in returned.value:
        if not isinstance(value, kind):
            raise StartupError(
                f"{returned.owner}: hook '{hook}' returned {type(value).__name__}, not {_qualified(kind)}"
            )
        yield Declared(returned.plugin, value)


def _qualified(kind: type) -> str:
    """Return a class as its users import it, since a router of FastAPI's isn't one of `parley_core.Router`."""
    package = kind.__module__.partition(".")[0]
    return kind.__name__ if package == "builtins" else f"{package}.{kind.__name__}"

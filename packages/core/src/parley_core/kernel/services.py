"""The services of one application: objects that are made once, and found by their class."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from parley_core.errors import StartupError
from parley_core.http.composition import Composition
from parley_core.kernel.plugins import HookCall, declarations_in

T = TypeVar("T")


class Services:
    """What the plugins of one application have provided, one object a class."""

    def __init__(self) -> None:
        self._found: dict[type, object] = {}
        self._pending: dict[str, HookCall] = {}
        self._composition: Composition | None = None

    def provide(self, instance: object) -> None:
        """Make an object available under its class; raise `StartupError` where there is one of that class."""
        if (first := self._found.setdefault(type(instance), instance)) is not instance:
            raise StartupError(f"two services of class {_name(type(first))} are provided: one is enough for everybody")

    def require(self, cls: type[T]) -> T:
        """Return the object of a class.

        While services are collected, the plugin that brings the class is asked for its services first.

        Raises:
            StartupError: nobody has provided one; the message names the class and the package that should bring it.
        """
        try:
            return cast("T", self._found[cls])
        except KeyError:
            self._bring(cls)
        if cls not in self._found:
            package = cls.__module__.partition(".")[0]
            raise StartupError(
                f"service {_name(cls)} isn't there: the plugin of package '{package}' should bring it in its hook "
                "parley_services; is that plugin loaded?"
            )
        return cast("T", self._found[cls])

    def of_kind(self, cls: type[T]) -> list[T]:
        """Return every object that is an instance of a class, or meets a runtime-checkable protocol."""
        return [found for found in self._found.values() if isinstance(found, cls)]

    def collect(self, calls: Iterable[HookCall], composition: Composition) -> None:
        """Ask all plugins for their services; one that requires another's has that one asked first."""
        self._pending, self._composition = {call.plugin: call for call in calls}, composition
        while self._pending:
            self._ask(next(iter(self._pending)))

    @contextmanager
    def temporary(self) -> Iterator[None]:
        """Forget after the block what is provided inside it."""
        before = set(self._found)
        try:
            yield
        finally:
            self._pending.clear()
            self.forget(set(self._found) - before)

    def forget(self, classes: Iterable[type]) -> None:
        """Forget the objects of these classes."""
        for cls in classes:
            self._found.pop(cls, None)

    def classes(self) -> set[type]:
        """Return the classes of which there is an object."""
        return set(self._found)

    def _bring(self, cls: type[Any]) -> None:
        package = cls.__module__.partition(".")[0]
        own = [plugin for plugin, call in self._pending.items() if call.package == package]
        for plugin in own or list(self._pending):
            if cls not in self._found and plugin in self._pending:
                self._ask(plugin)

    def _ask(self, plugin: str) -> None:
        call = self._pending.pop(plugin)
        for declared in declarations_in(call.run(parley=self._composition), call.hook, object):
            try:
                self.provide(declared.value)
            except StartupError as error:
                raise StartupError(f"{declared.owner}: {error}") from None


def _name(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"

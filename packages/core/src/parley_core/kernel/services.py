"""The services of one application: objects that are made once, and found by their class."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar, cast

from parley_core.declarations import Declared
from parley_core.errors import StartupError
from parley_core.http.requests import Composition
from parley_core.kernel.hook_calls import HookCall, declarations_in

T = TypeVar("T")


class _Absent(StartupError):
    """A required service isn't there, or not yet."""

    def __init__(self, message: str, cls: type[Any]) -> None:
        super().__init__(message)
        self.cls = cls


class Finder(Protocol):
    """Finds the service of a class."""

    def __call__(self, cls: type[T], /) -> T:
        """Return it; raise `StartupError` where there is none."""


class _ByClass(dict[type, object]):
    """Services by class; a class that isn't there is looked for."""

    def __init__(self, find_missing: Callable[[type], object]) -> None:
        self._find_missing = find_missing

    def __missing__(self, cls: type) -> object:
        return self._find_missing(cls)


class Services:
    """What the plugins of one application have provided, one object per class."""

    def __init__(self) -> None:
        self._found = _ByClass(self._bring)
        # A dictionary's own look-up: every request asks several times.
        self.require = cast("Finder", self._found.__getitem__)
        self._pending: dict[str, HookCall] = {}
        # The plugins whose hooks run now: each but the first is asked because the one before it requires a service.
        self._asked: list[HookCall] = []
        # The plugins that can't go on until another one has brought something.
        self._stuck: set[str] = set()
        self._composition: Composition | None = None
        self._is_sealed = False
        # Who provides now, and who has provided the object of each class: a plugin, or "" for the application.
        self._provider, self._providers = "", dict[type, str]()

    def provide(self, instance: object) -> None:
        """Make an object available under its class; raise `StartupError` where there is one of that class."""
        name = _name(type(instance))
        if self._is_sealed:
            raise StartupError(f"service {name} comes too late: the services were sealed when the application started")
        if self._found.setdefault(type(instance), instance) is not instance:
            first = Declared(self._providers[type(instance)], instance).owner
            raise StartupError(f"service {name} is provided already by {first}: one plugin alone may bring it")
        self._providers[type(instance)] = self._provider

    @contextmanager
    def provided_by(self, plugin: str) -> Iterator[None]:
        """Remember whose the objects are that are provided inside the block."""
        before, self._provider = self._provider, plugin
        try:
            yield
        finally:
            self._provider = before

    def of_kind(self, cls: type[T]) -> list[T]:
        """Return every object whose class derives from `cls`, or has the methods of a runtime-checkable protocol."""
        # The class is asked, not the object: a database has an attribute of every name, a collection.
        return [cast("T", found) for kind, found in self._found.items() if issubclass(kind, cls)]

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
            self._stuck.clear()
            self.forget(set(self._found) - before)

    @contextmanager
    def rehearsal(self, classes: Iterable[type]) -> Iterator[None]:
        """Let objects of these classes be provided once more inside the block, and forget them after it."""
        before, was_sealed = dict(self._found), self._is_sealed
        self._is_sealed = False
        self.forget(classes)
        try:
            yield
        finally:
            self._found.clear()
            self._found.update(before)
            self._is_sealed = was_sealed

    @contextmanager
    def sealed(self) -> Iterator[None]:
        """Refuse inside the block whatever is provided."""
        self._is_sealed = True
        try:
            yield
        finally:
            self._is_sealed = False

    def forget(self, classes: Iterable[type]) -> None:
        """Forget the objects of these classes."""
        for cls in classes:
            self._found.pop(cls, None)

    def classes(self) -> set[type]:
        """Return the classes of which there is an object."""
        return set(self._found)

    def _bring(self, cls: type) -> object:
        """Return the object of a class that is missing; while services are collected, its plugin is asked first."""
        for plugin in [plugin for plugin, call in self._pending.items() if call.package == _package(cls)]:
            if cls not in self._found and plugin in self._pending:
                self._ask(plugin)
        if cls not in self._found:
            self._try_all(cls)
        if cls not in self._found:
            raise _Absent(self._absence_of(cls), cls)
        return self._found[cls]

    def _try_all(self, cls: type[Any]) -> None:
        """Ask plugin after plugin for a class of another package than their own.

        One that requires what isn't there yet is asked again later, which is why its hook may run twice.
        """
        cause: _Absent | None = None
        for plugin in list(self._pending):
            if cls not in self._found and plugin in self._pending.keys() - self._stuck:
                try:
                    self._ask(plugin)
                except _Absent as error:
                    cause = cause or (error if error.cls is not cls else None)
        if cls not in self._found and cause:
            raise cause

    def _ask(self, plugin: str) -> None:
        call = self._pending.pop(plugin)
        self._asked.append(call)
        try:
            returned = call.run(parley=self._composition)
        except _Absent:
            self._pending[plugin] = call
            self._stuck.add(plugin)
            raise
        finally:
            self._asked.pop()
        self._stuck.clear()
        for declared in declarations_in(returned, call.hook, object):
            try:
                with self.provided_by(declared.plugin):
                    self.provide(declared.value)
            except StartupError as error:
                raise StartupError(f"{declared.owner}: {error}") from None

    def _absence_of(self, cls: type[Any]) -> str:
        missing = f"service {_name(cls)} isn't there"
        if self._asked:
            missing = f"plugin '{self._asked[-1].plugin}': {missing}"
        for call in self._asked:
            if call.package == _package(cls):
                return (
                    f"{missing} yet, since plugin '{call.plugin}', which should bring it, waits for this very plugin: "
                    f"let one of the two require it in parley_lifespan, not in {call.hook}"
                )
        return (
            f"{missing}: the plugin of package '{_package(cls)}' should bring it in its hook parley_services; "
            "is that plugin loaded?"
        )


def _name(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _package(cls: type[Any]) -> str:
    return cls.__module__.partition(".")[0]

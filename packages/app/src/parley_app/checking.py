"""`parley check`: what a start checks, by the same code, as far as nothing has to be stored or served for it."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

from parley_app import listening, unix_socket
from parley_app.application import chosen_plugins, create_app
from parley_app.health import Connect, is_parley, to_port, to_socket
from parley_app.settings import read_settings
from parley_app.telemetry import wanted_signals
from parley_core import Parley, StartupError
from parley_core.data.failures import DatabaseError
from parley_core.declarations import Declared
from parley_core.embedded import inspect, running_uri
from parley_core.http.framework import routes_of
from parley_core.kernel.plugins import Plugins
from parley_core.kernel.settings import CoreSettings, load_settings
from parley_core.kernel.storage import reach

_CORE = Declared("core", CoreSettings)
_REFUSED = "does PARLEY_MONGODB_URI name a user with readWrite on PARLEY_MONGODB_DATABASE?"


@dataclass(frozen=True)
class Finding:
    """What was found out about one part.

    Args:
        part: which it is.
        is_sound: whether a start would get past it; None where that isn't known.
        text: what was found, or what is wrong and what to do.
    """

    part: str
    is_sound: bool | None
    text: str


class _Unknown(Exception):
    """It can't be found out."""


class Check:
    """The parts of a start, one after the other: what is wrong with one hides nothing of those that don't need it."""

    def __init__(self, *, host: str | None = None, port: int | None = None, uds: Path | None = None) -> None:
        self._host, self._port, self._uds = host, port, uds
        self._plugins: Plugins | None = None
        self._core: CoreSettings | None = None
        self._are_settings_right = False
        self._parley: Parley | None = None
        self._is_reached = False

    def findings(self) -> Iterator[Finding]:
        """Yield what is found out about each part."""
        yield _found("plugins", self._load_plugins)
        yield _found("settings", self._read_settings)
        yield _found("policy", self._compose)
        yield _found("address", self._find_address)
        yield _found("database", self._reach_database)
        yield _found("indexes", self._rehearse_indexes)
        yield _found("services", self._make_services)

    def _load_plugins(self) -> str:
        self._plugins = Plugins(allowed=chosen_plugins())
        return ", ".join(plugin.name for plugin in self._plugins.info())

    def _read_settings(self) -> str:
        # Where only those of another package are wrong, the database can be looked for.
        with suppress(StartupError):
            self._core = cast("CoreSettings", load_settings([_CORE], ())[CoreSettings])
        classes = list(self._plugins.settings_classes()) if self._plugins else [_CORE]
        found = load_settings(classes, ()).values()
        wanted_signals()
        self._are_settings_right = True
        return f"{sum(len(settings.model_fields_set) for settings in found)} set, all others by default"

    def _compose(self) -> str:
        if not (self._plugins and self._are_settings_right):
            raise _Unknown("needs plugins and settings")
        app = create_app()
        app.state.parley.verify(app)
        self._parley = app.state.parley
        return f"{len(routes_of(app))} routes, each with a guard or a reason to be public"

    def _find_address(self) -> str:
        if self._uds:
            return _free(str(self._uds), partial(unix_socket.check_free, self._uds.absolute()), to_socket(self._uds))
        try:
            host, port = read_settings().place(self._host, self._port)
        except StartupError:
            raise _Unknown("needs settings") from None
        return _free(f"port {port} on {host}", partial(listening.check_free, host, port), to_port(host, port))

    def _rehearse_indexes(self) -> str:
        if not (self._parley and self._is_reached):
            raise _Unknown("needs policy and a database that runs")
        return f"{asyncio.run(_rehearse_indexes(self._parley))} to be built, all others are there"

    def _reach_database(self) -> str:
        core = self._core
        if core is None:
            raise _Unknown("needs settings")
        if not core.mongodb_uri and running_uri(core.data_dir) is None:
            return inspect(core.data_dir, mongod=core.mongod)
        asyncio.run(reach(core))
        self._is_reached = True
        where = "that PARLEY_MONGODB_URI names" if core.mongodb_uri else f"that runs on {core.data_dir.absolute()}"
        return f"a replica set takes writes, the one {where}"

    def _make_services(self) -> str:
        if not (self._parley and self._is_reached):
            raise _Unknown("needs policy and a database that runs")
        asyncio.run(self._parley.rehearse())
        return "made from what is stored and from the secrets"


async def _rehearse_indexes(parley: Parley) -> int:
    async with parley.stored() as data:
        try:
            return await data.rehearse_indexes()
        except StartupError:
            if all(one.state == "done" for one in await data.status()):
                raise
            raise _Unknown("needs the migrations first: run `parley migrate up`, then check again") from None


def _free(place: str, look: Callable[[], None], connect: Connect) -> str:
    try:
        look()
    except StartupError:
        if is_parley(connect):
            raise _Unknown(f"a Parley listens at {place}: a start works once that has stopped") from None
        raise
    return f"{place} is free"


def _found(part: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(part, is_sound=True, text=look())
    except _Unknown as reason:
        return Finding(part, is_sound=None, text=str(reason))
    except StartupError as error:
        return Finding(part, is_sound=False, text=" ".join(str(error).splitlines()).removeprefix("settings: "))
    except DatabaseError as error:
        # The driver's own words may quote what is stored.
        return Finding(part, is_sound=False, text=f"MongoDB refused ({type(error).__name__}): {_REFUSED}")

"""Services: made once for an application, found by their class, whatever the order of the plugins."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import ModuleType
from typing import Annotated, Any, Protocol, runtime_checkable

import pytest
from fastapi import Depends

from parley_core import Composition, Parley, Router, StartupError, provided
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin, an_application, running_client

Make = Callable[[Composition], list[object]]


class Users:
    """A service that needs no other."""


class Audit:
    """A service that needs another one."""

    def __init__(self, users: Users) -> None:
        self.users = users


class Billing:
    """A service that needs one which needs another one."""

    def __init__(self, audit: Audit) -> None:
        self.audit = audit


@runtime_checkable
class Asks(Protocol):
    """What any plugin may meet with a class of its own."""

    async def ask(self) -> str: ...


class Oracle:
    async def ask(self) -> str:
        return "yes"


def services(name: str, make: Make, **hooks: object) -> ModuleType:
    """A plugin whose hook returns what `make` makes."""

    def parley_services(parley: Composition) -> list[object]:
        return make(parley)

    return a_plugin(name, parley_services=parley_services, **hooks)


def a_class_of(package: str, name: str = "Service") -> type[object]:
    """A class that lives in a package of this name."""
    return type(name, (), {"__module__": f"{package}.services"})


async def refusal(settings: CoreSettings, *plugins: object) -> str:
    with pytest.raises(StartupError) as failure:
        async with Parley([settings], plugins=plugins).running():
            raise AssertionError("it started")
    assert "\n" not in str(failure.value)
    return str(failure.value)


class TestOrder:
    @pytest.mark.parametrize(
        "names",
        [("audit", "users"), ("zz_audit", "users"), ("audit", "zz_users")],
        ids=["before", "after", "far_before"],
    )
    async def test_in_the_hook(self, core_settings: CoreSettings, names: tuple[str, str]) -> None:
        """A plugin finds another's service in its hook, whichever name comes first; each hook is called once."""
        calls: list[str] = []

        def make_audit(parley: Composition) -> list[object]:
            calls.append("audit")
            return [Audit(parley.require(Users))]

        def make_users(parley: Composition) -> list[object]:
            calls.append("users")
            return [Users()]

        plugins = [services(names[0], make_audit), services(names[1], make_users)]
        async with Parley([core_settings], plugins=plugins).running() as parley:
            assert parley.require(Audit).users is parley.require(Users)
        assert sorted(calls) == ["audit", "users"]

    @pytest.mark.parametrize("name", ["audit", "zz"])
    async def test_in_the_lifespan(self, core_settings: CoreSettings, name: str) -> None:
        """All services are there before the first lifespan, and until the last one has ended."""
        found: list[Users] = []

        @asynccontextmanager
        async def lifespan(parley: Composition) -> AsyncIterator[None]:
            found.append(parley.require(Users))
            yield
            found.append(parley.require(Users))

        def parley_lifespan(parley: Composition) -> AbstractAsyncContextManager[None]:
            return lifespan(parley)

        plugins = [
            a_plugin(name, parley_lifespan=parley_lifespan),
            services("users", lambda _: [Users()]),
        ]
        async with Parley([core_settings], plugins=plugins).running() as parley:
            users = parley.require(Users)
        assert found == [users, users]

    async def test_own_package_first(self, core_settings: CoreSettings) -> None:
        """Of all plugins the one whose package has the class is asked, even where others need services themselves."""
        wanted, other = a_class_of("zz_package"), a_class_of("bb_package")
        plugins = [
            services("aa_package", lambda parley: [Audit(parley.require(wanted))]),  # type: ignore[arg-type]
            services("bb_package", lambda parley: [parley.require(Audit), other()][1:]),
            services("zz_package", lambda _: [wanted()]),
        ]
        async with Parley([core_settings], plugins=plugins).running() as parley:
            assert isinstance(parley.require(wanted), wanted)
            assert isinstance(parley.require(other), other)

    @pytest.mark.parametrize("order", list(itertools.permutations("abc")), ids="".join)
    async def test_of_one_package(self, core_settings: CoreSettings, order: tuple[str, str, str]) -> None:
        """Nor do names mean anything where no plugin's package has the classes: all of these are this module's."""
        users, audit, billing = order
        plugins = [
            services(users, lambda _: [Users()]),
            services(audit, lambda parley: [Audit(parley.require(Users))]),
            services(billing, lambda parley: [Billing(parley.require(Audit))]),
        ]
        async with Parley([core_settings], plugins=plugins).running() as parley:
            assert parley.require(Billing).audit.users is parley.require(Users)

    async def test_after_the_database(self, core_settings: CoreSettings) -> None:
        """The database is open when services are made."""
        databases: list[object] = []

        def make(parley: Any) -> list[object]:
            databases.append(parley.database)
            return []

        async with Parley([core_settings], plugins=[services("users", make)]).running() as parley:
            assert databases == [parley.database]


class TestRefusals:
    async def test_two_of_one_class(self, core_settings: CoreSettings) -> None:
        """A second object of a class stops the start; the message names plugin and class."""
        message = await refusal(
            core_settings, services("one", lambda _: [Users()]), services("two", lambda _: [Users()])
        )
        name = f"{Users.__module__}.Users"
        assert (
            message
            == f"plugin 'two': service {name} is provided already by plugin 'one': one plugin alone may bring it"
        )

    async def test_absent_class(self, core_settings: CoreSettings) -> None:
        """An absent class is named together with who needs it and the package that should bring it."""
        absent = a_class_of("parley_absent", "Directory")
        message = await refusal(core_settings, services("audit", lambda parley: [parley.require(absent)]))
        assert message == (
            "plugin 'audit': service parley_absent.services.Directory isn't there: the plugin of package "
            "'parley_absent' should bring it in its hook parley_services; is that plugin loaded?"
        )

    async def test_need_of_each_other(self, core_settings: CoreSettings) -> None:
        """Two plugins that need each other's service stop the start with both their names, not with a recursion."""
        one, two = a_class_of("one"), a_class_of("two")
        message = await refusal(
            core_settings,
            services("one", lambda parley: [parley.require(two) and one()]),
            services("two", lambda parley: [parley.require(one) and two()]),
        )
        assert message == (
            "plugin 'two': service one.services.Service isn't there yet, since plugin 'one', which should bring it, "
            "waits for this very plugin: let one of the two require it in parley_lifespan, not in parley_services"
        )

    async def test_need_of_each_other_in_one_package(self, core_settings: CoreSettings) -> None:
        """The same where no plugin's package has the classes: the last one in the circle is named."""
        message = await refusal(
            core_settings,
            services("one", lambda parley: [Audit(parley.require(Users))]),
            services("two", lambda parley: [parley.require(Audit).users]),
            services("xxx", lambda parley: [Billing(parley.require(Audit))]),
        )
        assert message.startswith(f"plugin 'two': service {Audit.__module__}.Audit isn't there")

    async def test_cause_of_an_absence(self, core_settings: CoreSettings) -> None:
        """What is missing first is named, not what is missing because of it."""
        absent = a_class_of("parley_absent")
        message = await refusal(
            core_settings,
            services("audit", lambda parley: [Audit(parley.require(Users))]),
            services("users", lambda parley: [parley.require(absent), Users()]),
        )
        assert message.startswith("plugin 'users': service parley_absent.services.Service isn't there")

    async def test_need_of_ones_own(self, core_settings: CoreSettings) -> None:
        """A plugin that requires what it is about to bring is named."""
        own = a_class_of("one")
        message = await refusal(core_settings, services("one", lambda parley: [parley.require(own)]))
        assert message.startswith("plugin 'one': service one.services.Service isn't there yet")

    async def test_no_list(self, core_settings: CoreSettings) -> None:
        """A single object is no list of them."""
        message = await refusal(core_settings, a_plugin("users", parley_services=Users()))
        assert message == "plugin 'users': hook 'parley_services' must return a list or a tuple"

    async def test_hook_raises(self, core_settings: CoreSettings) -> None:
        """A failing hook names plugin, hook and error, also where another plugin has had it asked."""
        users = a_class_of("users")

        def broken(parley: Composition) -> list[object]:
            raise LookupError("no key")

        message = await refusal(
            core_settings, services("audit", lambda parley: [parley.require(users)]), services("users", broken)
        )
        assert message == "plugin 'users': hook 'parley_services' raised LookupError: no key"


class TestLife:
    async def test_two_runs(self, core_settings: CoreSettings) -> None:
        """Services are gone after a run, and the next run makes new ones."""
        parley = Parley([core_settings], plugins=[services("users", lambda _: [Users()])])
        found = []
        for _ in range(2):
            async with parley.running():
                found.append(parley.require(Users))
            with pytest.raises(StartupError, match="isn't there"):
                parley.require(Users)
        assert found[0] is not found[1]

    async def test_failed_run(self, core_settings: CoreSettings) -> None:
        """A run that failed leaves nothing behind that would make the next one fail too."""
        faults = [LookupError("not yet")]

        def sometimes(parley: Composition) -> list[object]:
            if faults:
                raise faults.pop()
            return [Audit(parley.require(Users))]

        parley = Parley([core_settings], plugins=[services("audit", sometimes), services("users", lambda _: [Users()])])
        with pytest.raises(StartupError, match="not yet"):
            async with parley.running():
                pass
        with pytest.raises(StartupError, match="isn't there"):
            parley.require(Users)
        async with parley.running():
            assert parley.require(Audit).users is parley.require(Users)

    async def test_provided_before(self, core_settings: CoreSettings) -> None:
        """What was provided before a run is there in all runs."""
        parley = Parley([core_settings], plugins=[a_plugin("users", parley_events=[])])
        parley.provide(users := Users())
        for _ in range(2):
            async with parley.running():
                assert parley.require(Users) is users
        with pytest.raises(StartupError, match="is provided already"):
            parley.provide(Users())

    async def test_of_a_kind(self, core_settings: CoreSettings) -> None:
        """All that meet a protocol or derive from a class are found, and the database, which has every name, isn't."""
        plugins = [services("oracle", lambda _: [Oracle(), Users()])]
        async with Parley([core_settings], plugins=plugins).running() as parley:
            found = parley.services(Asks)  # type: ignore[type-abstract]  # a protocol is what it is for
            assert found == [parley.require(Oracle)]
            assert parley.services(Users) == [parley.require(Users)]


class TestProvided:
    async def test_in_an_endpoint(self, core_settings: CoreSettings) -> None:
        """An endpoint is given the one object of a class, in HTTP and the same in every request."""
        app = an_application([core_settings], [oracle_plugin()])
        async with running_client(app) as client:
            assert (await client.get("/v1/oracle")).json() == "yes"

    async def test_nobody_provides_it(self, core_settings: CoreSettings) -> None:
        """A route that is given a service which nobody brings stops the start, instead of each request's failing."""
        router = Router(prefix="/oracle", tag="oracle")

        async def asked(_: Annotated[Oracle, Depends(provided(Oracle))]) -> str:
            return "yes"

        @router.get("")
        async def ask_oracle(answer: Annotated[str, Depends(asked)]) -> str:
            return answer

        app = an_application([core_settings], [a_plugin("oracle", parley_routers=[router])])
        with pytest.raises(StartupError, match=r"^route GET /v1/oracle: service .*\.Oracle isn't there: the plugin of"):
            async with running_client(app):
                pass
        app.dependency_overrides[provided(Oracle)] = Oracle
        async with running_client(app) as client:
            assert (await client.get("/v1/oracle")).json() == "yes"

    async def test_overridden(self, core_settings: CoreSettings) -> None:
        """A test or a host replaces the service as it replaces any dependency."""

        class No(Oracle):
            async def ask(self) -> str:
                return "no"

        app = an_application([core_settings], [oracle_plugin()])
        app.dependency_overrides[provided(Oracle)] = No
        async with running_client(app) as client:
            assert (await client.get("/v1/oracle")).json() == "no"


def oracle_plugin() -> ModuleType:
    router = Router(prefix="/oracle", tag="oracle")

    @router.get("")
    async def ask_oracle(oracle: Annotated[Oracle, Depends(provided(Oracle))]) -> str:
        return await oracle.ask()

    return services("oracle", lambda _: [Oracle()], parley_routers=[router])

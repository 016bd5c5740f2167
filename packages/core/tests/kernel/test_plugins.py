"""Finding plugins, and refusing those that are wrong or would silently do nothing."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pluggy import PluginManager

from parley_core import Parley, StartupError, hookimpl, hookspec
from parley_core.kernel.plugins import Plugins
from parley_core.kernel.settings import CoreSettings, PluginSettings
from parley_core.testing import a_plugin

Install = Callable[..., None]
WELL = "from parley_core import hookimpl\n\n@hookimpl\ndef parley_routers():\n    return []\n"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs distributions, each with one plugin; no other distribution is installed."""
    before = set(sys.modules)
    elsewhere = [entry for entry in sys.path if "site-packages" not in entry]
    monkeypatch.setattr(sys, "path", [str(tmp_path), *elsewhere])

    def install(name: str, source: str = WELL, *, module: str | None = None, version: str = "1.2.3") -> None:
        module = module or f"plugin_{name}"
        info = tmp_path / f"{module}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[parley]\n{name} = {module}\n")
        (tmp_path / f"{module}.py").write_text(source)

    yield install
    for name in set(sys.modules) - before:
        del sys.modules[name]


class Specs:
    @staticmethod
    @hookspec
    def parley_notes(color: str) -> str:
        """Called with a color."""
        raise NotImplementedError


def refusal(*plugins: object) -> str:
    with pytest.raises(StartupError) as failure:
        Plugins(plugins)
    assert "\n" not in str(failure.value)
    return str(failure.value)


class TestDiscovery:
    def test_installed_plugins_are_found(self, install: Install) -> None:
        """Every entry point of the group is loaded, in the order of the names, and listed with its version."""
        install("beta")
        install("alpha", version="7.0")
        found = [(plugin.name, plugin.version, plugin.hooks) for plugin in Plugins().info()]
        assert [found[1], found[2]] == [("alpha", "7.0", ("parley_routers",)), ("beta", "1.2.3", ("parley_routers",))]
        assert found[0][0] == "core"

    def test_order_of_installation_means_nothing(self, install: Install) -> None:
        """Hooks are called in the order of the plugins' names, core's first."""
        for name in ("zeta", "alpha", "mid"):
            install(name)
        callers = [call.plugin for call in Plugins().calls("parley_routers")]
        assert callers == ["alpha", "mid", "zeta"]

    def test_allow_list(self, install: Install) -> None:
        """Only the allowed are loaded: the others aren't even imported."""
        install("good")
        install("bad", "raise RuntimeError('imported')")
        assert [plugin.name for plugin in Plugins(allowed=("good",)).info()] == ["core", "good"]

    def test_allow_list_from_the_environment(
        self, install: Install, monkeypatch: pytest.MonkeyPatch, core_settings: CoreSettings
    ) -> None:
        """PARLEY_PLUGINS names the plugins with commas between them; instances of settings go first."""
        for name in ("one", "two", "three"):
            install(name)
        monkeypatch.setenv("PARLEY_PLUGINS", "one, three")
        assert names(Parley([core_settings])) == ["core", "one", "three"]
        assert names(Parley([core_settings, PluginSettings(plugins=("two",))])) == ["core", "two"]

    def test_empty_allow_list_is_none(
        self, install: Install, monkeypatch: pytest.MonkeyPatch, core_settings: CoreSettings
    ) -> None:
        """An empty variable is an unset one, as a compose file leaves it."""
        install("one")
        monkeypatch.setenv("PARLEY_PLUGINS", "")
        assert names(Parley([core_settings])) == ["core", "one"]

    def test_unknown_name_in_the_allow_list(self, install: Install) -> None:
        """A misspelt name doesn't leave a plugin out silently."""
        install("interviews")
        with pytest.raises(StartupError, match=r"names 'interview', which is not installed; known: \['interviews'\]"):
            Plugins(allowed=("interview",))

    def test_none_is_allowed(self, install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
        """An allow-list of nothing but commas is a mistake."""
        install("one")
        monkeypatch.setenv("PARLEY_PLUGINS", " , ")
        with pytest.raises(StartupError, match="PARLEY_PLUGINS names no plugin"):
            Parley()

    @pytest.mark.usefixtures("install")
    def test_none_is_installed(self) -> None:
        """An application without plugins is never what anybody wants."""
        with pytest.raises(StartupError, match="no plugin found: install a package with an entry point"):
            Plugins()
        assert "no plugin found" in refusal()

    def test_import_fails(self, install: Install) -> None:
        """The error names the plugin, its module and the reason, in one line."""
        install("broken", "import nothing_of_this_name")
        with pytest.raises(StartupError) as failure:
            Plugins()
        assert str(failure.value) == (
            "plugin 'broken' (plugin_broken) failed to import: "
            "ModuleNotFoundError: No module named 'nothing_of_this_name'"
        )

    def test_two_packages_with_one_name(self, install: Install) -> None:
        """Which of two packages is meant can't be guessed."""
        install("notes", module="notes_one")
        install("notes", module="notes_two")
        with pytest.raises(StartupError, match=r"packages bring a plugin named 'notes': notes_(one|two) and notes_"):
            Plugins()


def names(parley: Parley) -> list[str]:
    return [plugin.name for plugin in parley.plugins.info()]


class TestGivenPlugins:
    def test_names(self) -> None:
        """A module `parley_x.plugin` goes by x, like its entry point; other plugins by module or class."""

        class Notes:
            @hookimpl
            def parley_routers(self) -> list[Any]:
                return []

        modules = [a_plugin(name, parley_routers=[]) for name in ("parley_auth.plugin", "acme.plugin", "extra")]
        found = [plugin.name for plugin in Plugins([*modules, Notes()]).info()]
        assert found == ["core", "Notes", "acme", "auth", "extra"]

    def test_two_with_one_name(self) -> None:
        """Neither of two plugins with one name is dropped silently."""
        one, two = a_plugin("notes", parley_routers=[]), a_plugin("notes", parley_events=[])
        assert refusal(one, two) == "two plugins are named 'notes'"

    def test_the_name_of_core(self) -> None:
        """No plugin takes core's place."""
        assert refusal(a_plugin("core", parley_routers=[])) == "two plugins are named 'core'"

    def test_one_under_two_names(self, install: Install) -> None:
        """One module can't be two plugins."""
        install("notes")
        install("copies", "import sys, plugin_notes\nsys.modules[__name__] = plugin_notes\n")
        with pytest.raises(StartupError, match="plugin 'notes' is given a second time, as 'copies'"):
            Plugins()


class TestHooks:
    def test_unknown_hook(self) -> None:
        """A misspelt hook would never be called."""
        message = refusal(a_plugin("notes", parley_route=[]))
        assert message.startswith("plugin 'notes': unknown hook 'parley_route'")

    def test_unknown_argument(self) -> None:
        """An argument that the hook doesn't have is named."""
        message = refusal(a_plugin("notes", parley_routers=lambda app: [app]))
        assert message.startswith("plugin 'notes': ")
        assert "parley_routers" in message
        assert "{'app'}" in message

    def test_unknown_argument_of_another_plugins_hook(self) -> None:
        """The plugin with the wrong argument is at fault, not the later one that shows it."""
        owner = a_plugin("z_owner", parley_addhooks=lambda pluginmanager: pluginmanager.add_hookspecs(Specs))
        message = refusal(a_plugin("a_user", parley_notes=lambda colour: colour), owner)
        assert message.startswith("plugin 'a_user': ")
        assert "{'colour'}" in message

    def test_hooks_of_plugins(self) -> None:
        """A plugin adds hooks of its own, which plugins implement whatever the order of their names."""
        owner = a_plugin("z_owner", parley_addhooks=lambda pluginmanager: pluginmanager.add_hookspecs(Specs))
        plugins = Plugins([a_plugin("a_user", parley_notes=lambda color: f"{color} notes"), owner])
        results = [call.run(color="red") for call in plugins.calls("parley_notes")]
        assert [(declared.plugin, declared.value) for declared in results] == [("a_user", "red notes")]

    def test_addhooks_raises(self) -> None:
        """A failing `parley_addhooks` names plugin, hook and error."""

        def parley_addhooks(pluginmanager: PluginManager) -> None:
            raise LookupError(pluginmanager.project_name)

        message = refusal(a_plugin("notes", parley_addhooks=parley_addhooks))
        assert message == "plugin 'notes': hook 'parley_addhooks' raised LookupError: parley"

    def test_hook_raises(self) -> None:
        """A failing hook names plugin, hook and error."""
        plugins = Plugins([a_plugin("notes", parley_events=lambda: 1 / 0)])
        with pytest.raises(StartupError) as failure:
            list(plugins.declarations("parley_events", object))
        assert str(failure.value) == "plugin 'notes': hook 'parley_events' raised ZeroDivisionError: division by zero"

    def test_own_words(self) -> None:
        """A `StartupError` of a plugin is reported as it is."""

        def parley_events() -> list[Any]:
            raise StartupError("the moon is full")

        with pytest.raises(StartupError, match=r"^the moon is full$"):
            list(Plugins([a_plugin("notes", parley_events=parley_events)]).event_types())

    def test_no_sequence(self) -> None:
        """A generator, or a single declaration, is no list of them."""
        plugins = Plugins([a_plugin("notes", parley_events="created")])
        with pytest.raises(StartupError, match="'notes': hook 'parley_events' must return a list or a tuple"):
            list(plugins.declarations("parley_events", str))

    def test_wrong_kind(self) -> None:
        """What a hook doesn't return is named together with what it should."""
        plugins = Plugins([a_plugin("notes", parley_events=[1])])
        with pytest.raises(StartupError, match="'notes': hook 'parley_events' returned int, not str"):
            list(plugins.declarations("parley_events", str))

    def test_nothing_is_returned(self) -> None:
        """None declares nothing."""
        assert not list(Plugins([a_plugin("notes", parley_events=None)]).declarations("parley_events", str))


class TestSilence:
    """What pluggy would accept and never call."""

    def test_no_hook(self) -> None:
        """A package given in place of its plugin module implements nothing."""
        assert refusal(ModuleType("notes")).startswith("plugin 'notes' implements no hook")

    def test_unmarked_hook(self) -> None:
        """A hook whose mark was forgotten."""
        plugin = a_plugin("notes", parley_routers=[])
        plugin.parley_indexes = list  # type: ignore[attr-defined]
        assert refusal(plugin) == "plugin 'notes': 'parley_indexes' isn't marked with parley_core.hookimpl"

    def test_coroutine(self) -> None:
        """The checks of an `async def` hook would never run."""

        async def parley_verify() -> None:
            raise StartupError("never seen")

        message = refusal(a_plugin("notes", parley_verify=parley_verify))
        assert message == "plugin 'notes': hook 'parley_verify' must be a plain function that returns"

    def test_generators(self) -> None:
        """Nor would those of a function that yields."""

        def plain() -> Iterator[None]:
            yield

        async def asynchronous() -> AsyncIterator[None]:
            yield

        for function in (plain, asynchronous):
            assert "hook 'parley_lifespan' must be" in refusal(a_plugin("notes", parley_lifespan=function))

    def test_wrapper(self) -> None:
        """Hooks return declarations, which no other plugin wraps."""
        plugin = a_plugin("notes", parley_routers=[])

        def parley_events() -> Iterator[None]:
            yield

        plugin.parley_events = hookimpl(wrapper=True)(parley_events)  # type: ignore[attr-defined]
        assert "hook 'parley_events' must be a plain function" in refusal(plugin)

"""Core's own plugin."""

from parley_core import PublicRoute, hookspec, plugin
from parley_core.kernel.plugins import Plugins
from parley_core.kernel.settings import CoreSettings, PluginSettings
from parley_core.testing import a_plugin


class Specs:
    @staticmethod
    @hookspec
    def parley_public_routes() -> list[PublicRoute]:
        """As a package specifies it that guards routes."""
        raise NotImplementedError


class TestCore:
    def test_settings(self) -> None:
        """Core declares its settings as every plugin does."""
        assert plugin.parley_settings() == [PluginSettings, CoreSettings]

    def test_probes_are_public(self) -> None:
        """Where a package guards routes, the probes are public, each with a reason."""

        def parley_addhooks(pluginmanager: object) -> None:
            pluginmanager.add_hookspecs(Specs)  # type: ignore[attr-defined]

        plugins = Plugins([a_plugin("guards", parley_addhooks=parley_addhooks)])
        routes = [declared.value for declared in plugins.declarations("parley_public_routes", PublicRoute)]
        assert [(route.method, route.path) for route in routes] == [("GET", "/healthz"), ("GET", "/readyz")]
        assert all(route.reason for route in routes)

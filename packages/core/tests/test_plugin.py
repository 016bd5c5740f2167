"""Core's own plugin."""

from parley_core import plugin
from parley_core.kernel.settings import CoreSettings, PluginSettings


class TestCore:
    def test_settings(self) -> None:
        """Core declares its settings as every plugin does."""
        assert plugin.parley_settings() == [PluginSettings, CoreSettings]

import subprocess
import sys

import pytest
from fastapi.routing import iter_route_contexts

from parley_app import create_app
from parley_app.application import chosen_plugins
from parley_app.testing import environment
from parley_core import StartupError
from parley_core.kernel.settings import CoreSettings, PluginSettings


def _plugins_of(*settings: PluginSettings) -> set[str]:
    return {plugin.name for plugin in create_app(settings).state.parley.plugins.info()}


class TestComposition:
    def test_all_installed_plugins_are_mounted(self) -> None:
        assert {"core", "app"} <= _plugins_of()

    def test_two_applications_share_no_state(self) -> None:
        first, second = create_app([CoreSettings(docs=False)]), create_app()
        assert first.state.parley is not second.state.parley
        assert first.openapi_url is None
        assert second.openapi_url == "/openapi.json"

    def test_probes_and_documentation_are_outside_of_the_prefix(self) -> None:
        paths = {route.path for route in iter_route_contexts(create_app().routes)}
        assert {"/healthz", "/readyz", "/docs", "/openapi.json"} <= paths

    def test_a_wrong_setting_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PARLEY_MONGODB_POOL_SIZE", "none")
        with pytest.raises(StartupError, match="PARLEY_MONGODB_POOL_SIZE"):
            create_app()


def _imports(code: str, module: str) -> bool:
    """Return whether a process that runs this code imports a module."""
    code = f"import sys\n{code}\nprint({module!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip() == "True"


@pytest.mark.parametrize(
    ("code", "does"), [("import parley_app; parley_app.create_app()", False), ("import parley_app.cli", True)]
)
def test_who_brings_another_server_needs_no_command_line(code: str, *, does: bool) -> None:
    """Another ASGI server than `parley serve` pays neither time nor memory for the commands."""
    assert _imports(code, "typer") is does


class TestAnnouncements:
    """An application that another ASGI server runs prints nothing: a password in its output would surprise."""

    def test_they_are_logged(self, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
        create_app().state.parley.announce("read this")
        assert [record.message for record in caplog.records if record.name.startswith("parley")] == ["read this"]
        assert capsys.readouterr().out == ""

    def test_a_caller_may_take_them(self) -> None:
        heard: list[str] = []
        create_app(announce=heard.append).state.parley.announce("read this")
        assert heard == ["read this"]


class TestChoice:
    def test_all_plugins_are_loaded_unless_some_are_chosen(self) -> None:
        assert chosen_plugins() is None

    def test_the_app_is_always_loaded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PARLEY_PLUGINS", "first,second")
        assert chosen_plugins() == ("first", "second", "app")
        assert chosen_plugins([PluginSettings(plugins=("app",))]) == ("app",)

    def test_other_plugins_are_left_out(self) -> None:
        assert _plugins_of(PluginSettings(plugins=("app",))) == {"core", "app"}

    def test_an_unknown_plugin_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PARLEY_PLUGINS", "aut")
        with pytest.raises(StartupError, match="'aut'"):
            create_app()


def test_a_test_process_sees_no_settings_of_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARLEY_DOCS", "false")
    assert environment(PARLEY_DATA_DIR="here").get("PARLEY_DOCS") is None

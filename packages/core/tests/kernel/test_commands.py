"""The commands that plugins hang under `parley`."""

import pytest
import typer

from parley_core import StartupError
from parley_core.kernel.commands import commands_of
from parley_core.kernel.plugins import Plugins
from parley_core.testing import a_plugin


def commands(*names: str, group: str | None = None) -> typer.Typer:
    """An application with these commands, in a group of that name if there is one."""
    app = typer.Typer() if group is None else typer.Typer(name=group)
    for name in names:

        @app.command(name)
        def run() -> None:
            """Do something."""

    return app


class TestCommandsOf:
    def test_all_plugins(self) -> None:
        """Every plugin's applications come with their plugin's name."""
        one, two = commands("serve", "stop"), commands("list", group="notes")
        found = commands_of(Plugins([a_plugin("b", parley_commands=[one]), a_plugin("a", parley_commands=[two])]))
        assert [(declared.plugin, declared.value) for declared in found] == [("a", two), ("b", one)]

    @pytest.mark.parametrize(
        ("one", "two", "name"),
        [
            pytest.param(commands("serve", "stop"), commands("go", "stop"), "stop", id="commands"),
            pytest.param(commands("serve"), commands("serve"), "serve", id="single_commands"),
            pytest.param(commands("notes"), commands("list", group="notes"), "notes", id="command_and_group"),
        ],
    )
    def test_two_with_one_name(self, one: typer.Typer, two: typer.Typer, name: str) -> None:
        """A command that another one would hide is refused, with both plugins' names."""
        plugins = Plugins([a_plugin("one", parley_commands=[one]), a_plugin("two", parley_commands=[two])])
        with pytest.raises(StartupError, match=f"command '{name}' is declared by plugin 'one' and by plugin 'two'"):
            commands_of(plugins)

    def test_within_one_plugin(self) -> None:
        """Two applications of one plugin clash as well."""
        with pytest.raises(StartupError, match="command 'serve' is declared by plugin 'one' and by plugin 'one'"):
            commands_of(Plugins([a_plugin("one", parley_commands=[commands("serve"), commands("serve", "stop")])]))

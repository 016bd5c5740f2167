import sys
from collections.abc import Callable
from importlib.metadata import entry_points, version
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import pytest

from parley_app.cli import main
from parley_app.testing import install_plugin, parley
from parley_core.kernel.commands import COMMANDS_GROUP, commands_of
from parley_core.kernel.plugins import Plugins

_COMMAND = """
import typer
from parley_core import StartupError, hookimpl

app = typer.Typer()


@app.command()
def {command}(context: typer.Context) -> None:
    '''Do something.'''
    {body}


@hookimpl
def parley_commands():
    return [app]
"""


class Result(NamedTuple):
    """The exit code of a command and what it printed."""

    code: object
    output: str
    errors: str


Run = Callable[..., Result]
Install = Callable[..., None]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `parley` in this process."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)

    def run(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["parley", *arguments])
        with pytest.raises(SystemExit) as exit_:
            main()
        return Result(exit_.value.code, *capsys.readouterr())

    return run


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Install:
    """Install a plugin package with a command until the test ends."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(name: str, *, command: str = "greet", body: str = "typer.echo('hello')") -> None:
        monkeypatch.delitem(sys.modules, name, raising=False)
        install_plugin(tmp_path, name, _COMMAND.format(command=command, body=body))

    return install


class TestOwnCommands:
    def test_it_prints_its_version(self) -> None:
        shown = parley("--version")
        assert (shown.returncode, shown.stdout, shown.stderr) == (0, f"parley {version('parley-app')}\n", "")

    def test_without_arguments_it_lists_its_commands(self, run: Run) -> None:
        alone = run()
        assert "Usage: parley [OPTIONS] COMMAND" in alone.output + alone.errors
        assert {"serve", "plugins"} <= set(run("--help").output.split())

    def test_it_offers_no_shell_completion(self, run: Run) -> None:
        assert "completion" not in run("--help").output


class TestPluginCommands:
    def test_they_are_directly_below_parley(self, run: Run, install: Install) -> None:
        install("greeter")
        assert "\n  greet " in run("--help").output
        assert run("greet") == (0, "hello\n", "")

    def test_two_with_one_name_are_refused_and_both_plugins_are_named(self, run: Run, install: Install) -> None:
        install("greeter")
        install("welcomer")
        message = "parley: command 'greet' is declared by plugin 'greeter' and by plugin 'welcomer'\n"
        assert run("--help") == (1, "", message)

    def test_its_own_ones_can_not_be_replaced(self, run: Run, install: Install) -> None:
        install("other", command="serve")
        assert run("plugins").errors == "parley: command 'serve' is declared by plugin 'app' and by plugin 'other'\n"

    def test_they_get_the_function_that_makes_the_application(self, run: Run, install: Install) -> None:
        install("reporter", command="report", body="typer.echo(context.obj([]).title)")
        assert run("report").output == "Parley\n"

    def test_announcements_go_to_standard_error(self, run: Run, install: Install) -> None:
        install("reporter", command="report", body="context.obj([]).state.parley.announce('new')")
        assert run("report") == (0, "", "new\n")


def _imported(*arguments: str, **settings: str) -> set[str]:
    """Run a command, and return the packages that it imports."""
    done = parley(*arguments, PYTHONPROFILEIMPORTTIME="1", **settings)
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


_HEAVY = {"fastapi", "pymongo", "starlette", "uvicorn"}


class TestListing:
    """Help is there at once: it imports nothing that serves requests."""

    @pytest.mark.parametrize(
        "arguments", [["--help"], ["--version"], ["serve", "--help"]], ids=["help", "version", "help of a command"]
    )
    def test_it_imports_little(self, arguments: list[str]) -> None:
        imported = _imported(*arguments)
        assert "typer" in imported
        assert imported & _HEAVY == set()

    def test_what_needs_more_is_seen_to_import_it(self) -> None:
        assert {"fastapi", "pymongo"} <= _imported("plugins")

    def test_every_entry_point_names_what_the_hook_returns(self) -> None:
        points = {point.name: point.load() for point in entry_points(group=COMMANDS_GROUP)}
        hooks = [(declared.plugin, declared.value) for declared in commands_of(Plugins())]
        assert "app" in points
        assert sorted(points.items(), key=itemgetter(0)) == sorted(hooks, key=itemgetter(0))

    def test_a_plugin_without_commands_is_not_imported(self, run: Run, tmp_path: Path, install: Install) -> None:
        install_plugin(tmp_path, "wordless", "import no_such_module")
        assert run("--help").code == 0
        assert run("plugins").errors.startswith("parley: plugin 'wordless' (wordless) failed to import: ")

    @pytest.mark.parametrize(
        "source", ["from greetings import *", "from greetings import parley_commands"], ids=["all", "one"]
    )
    def test_one_that_takes_the_hook_from_elsewhere_is_asked(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str
    ) -> None:
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "borrower", raising=False)
        (tmp_path / "greetings.py").write_text(_COMMAND.format(command="greet", body="typer.echo('hello')"))
        install_plugin(tmp_path, "borrower", source)
        assert "\n  greet " in run("--help").output

    def test_plugins_that_are_not_chosen_have_no_commands(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PARLEY_PLUGINS", "app")
        own = {"serve", "demo", "check", "health", "backup", "restore", "migrate", "openapi", "plugins"}
        assert _commands(run("--help").output) == own

    def test_an_unknown_choice_is_named(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PARLEY_PLUGINS", "aut")
        assert run("--help").errors.startswith("parley: PARLEY_PLUGINS names 'aut', which is not installed")

    @pytest.mark.parametrize(
        ("entry", "problem"),
        [
            ("listed:parley_commands", "entry point listed:parley_commands names no typer.Typer"),
            ("listed:nothing", "(listed:nothing) failed to import: AttributeError"),
        ],
        ids=["no application", "nothing"],
    )
    def test_a_wrong_entry_point_is_named(
        self, run: Run, install: Install, tmp_path: Path, entry: str, problem: str
    ) -> None:
        install("listed")
        points = tmp_path / "listed-1.2.3.dist-info" / "entry_points.txt"
        points.write_text(f"{points.read_text()}\n[parley.commands]\nlisted = {entry}\n")
        failed = run("--help")
        assert failed.errors.startswith("parley: plugin 'listed'")
        assert problem in failed.errors


def _commands(text: str) -> set[str]:
    return {line.split()[0] for line in text.partition("Commands:\n")[2].splitlines()}


class TestPlugins:
    def test_each_is_listed_with_version_module_and_hooks(self, run: Run, install: Install) -> None:
        install("greeter")
        rows = {line.split()[0]: line.split(maxsplit=3)[1:] for line in run("plugins").output.splitlines()}
        assert rows["NAME"] == ["VERSION", "MODULE", "HOOKS"]
        assert rows["greeter"] == ["1.2.3", "greeter", "parley_commands"]
        hooks = "parley_commands, parley_settings"
        assert rows["app"] == [version("parley-app"), "parley_app.plugin", hooks]
        assert rows["core"][0] == version("parley-core")


class TestErrors:
    def test_what_stops_a_start_is_one_line(self, run: Run, install: Install) -> None:
        install("greeter", body="raise StartupError('it\\ncan not')")
        assert run("greet") == (1, "", "parley: it can not\n")

    def test_a_plugin_that_does_not_import_is_named(self, run: Run, install: Install) -> None:
        install("broken", body="pass\nimport no_such_module")
        failed = run("--help")
        assert failed.code == 1
        assert failed.errors.startswith("parley: plugin 'broken' (broken) failed to import: ModuleNotFoundError")
        assert failed.errors.count("\n") == 1

    def test_a_defect_keeps_its_traceback(self, install: Install, tmp_path: Path) -> None:
        install("greeter", body="1 / 0")
        failed = parley("greet", PYTHONPATH=str(tmp_path))
        assert failed.returncode == 1
        assert failed.stderr.startswith("Traceback (most recent call last)")
        assert failed.stderr.rstrip().endswith("ZeroDivisionError: division by zero")

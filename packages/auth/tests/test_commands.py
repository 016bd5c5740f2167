"""`parley create-admin` and `parley policy`, run as a shell runs them."""

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic_settings import BaseSettings
from pymongo import MongoClient
from typer.testing import CliRunner, Result

import parley_auth.plugin
from parley_auth import commands
from parley_auth.testing import PASSWORD
from parley_core import StartupError
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import an_application

EMAIL = "root@example.com"


def a_factory(settings: Sequence[BaseSettings], announced: list[str]) -> FastAPI:
    return an_application(settings, [parley_auth.plugin], announce=announced.append)  # type: ignore[arg-type]


def run(*arguments: str, standard_input: str | None = None, announced: list[str] | None = None) -> Result:
    factory = functools.partial(a_factory, announced=[] if announced is None else announced)
    return CliRunner().invoke(commands.app, arguments, obj=factory, input=standard_input)


def create_admin(email: str, password: str, *options: str) -> Result:
    return run("create-admin", "--email", email, "--password-stdin", *options, standard_input=password)


@pytest.fixture
def environment(core_settings: CoreSettings, monkeypatch: pytest.MonkeyPatch) -> CoreSettings:
    """A deployment: the database and the secret in the environment."""
    assert core_settings.mongodb_uri
    monkeypatch.setenv("PARLEY_MONGODB_URI", core_settings.mongodb_uri.get_secret_value())
    monkeypatch.setenv("PARLEY_MONGODB_DATABASE", core_settings.mongodb_database)
    monkeypatch.setenv("PARLEY_JWT_SECRET", "k7Qm2xVb9TzR4wLp8NcY3hJd6FsG1aEu")
    return core_settings


def users_in(core: CoreSettings) -> list[dict[str, Any]]:
    assert core.mongodb_uri
    with MongoClient[dict[str, Any]](core.mongodb_uri.get_secret_value()) as client:
        # Without the entries that may have moved into the log meanwhile.
        return list(client[core.mongodb_database].users.find({}, {"history": False}))


class TestCreateAdmin:
    def test_creates_one(self, environment: CoreSettings) -> None:
        """The e-mail comes as an option, the password by standard input, and neither line end counts."""
        result = create_admin(" Root@example.com", PASSWORD + "\r\n")
        assert (result.exit_code, result.output) == (0, "Administrator root@example.com is ready.\n")
        [admin] = users_in(environment)
        assert (admin["email"], admin["role"], admin["active"]) == (EMAIL, "admin", True)

    def test_twice(self, environment: CoreSettings) -> None:
        """A second run changes nothing and is no error; another e-mail creates another administrator."""
        assert create_admin(EMAIL, PASSWORD).exit_code == 0
        before = users_in(environment)
        assert create_admin(EMAIL, PASSWORD).exit_code == 0
        assert users_in(environment) == before
        assert create_admin("second@example.com", PASSWORD).exit_code == 0
        assert len(users_in(environment)) == 2

    def test_unicode(self, environment: CoreSettings) -> None:
        """A password in any script is used as it was typed, spaces included."""
        assert create_admin(EMAIL, " пароль с пробелами \n").exit_code == 0
        assert create_admin(EMAIL, " пароль с пробелами \n").exit_code == 0
        assert isinstance(create_admin(EMAIL, "пароль с пробелами\n").exception, StartupError)
        assert len(users_in(environment)) == 1

    @pytest.mark.parametrize(
        ("email", "password", "message"),
        [
            (EMAIL, "qxz7!", "the administrator's password is refused: The password must have at least 8 characters"),
            (EMAIL, "", "the administrator's password is refused: The password must have at least 8 characters"),
            (EMAIL, "iloveyou", "the administrator's password is refused: This password is one of the most common"),
            (EMAIL, "qxz7!" * 30, "the administrator's password is refused: String should have at most 128"),
            ("nobody", PASSWORD, "the administrator's email is refused: Must be an e-mail address"),
        ],
        ids=["short", "none", "common", "long", "no e-mail"],
    )
    def test_refusals(self, environment: CoreSettings, email: str, password: str, message: str) -> None:
        """A refused e-mail or password is one line, which doesn't show the password, and no account is created."""
        result = create_admin(email, password)
        assert isinstance(result.exception, StartupError)
        assert str(result.exception).startswith(message)
        assert "qxz7!" not in str(result.exception) + result.output
        assert users_in(environment) == []

    def test_somebody_elses_email(self, environment: CoreSettings) -> None:
        """An account with another password isn't taken over."""
        create_admin(EMAIL, PASSWORD)
        before = users_in(environment)
        result = create_admin(EMAIL, "ten blue bottles")
        assert isinstance(result.exception, StartupError)
        assert str(result.exception).startswith(f"{EMAIL} belongs to an account already")
        assert users_in(environment) == before

    @pytest.mark.usefixtures("environment")
    def test_password_is_no_argument(self) -> None:
        """The password comes only from standard input, so that no process list shows it."""
        result = run("create-admin", "--email", EMAIL, standard_input=PASSWORD)
        assert (result.exit_code, isinstance(result.exception, SystemExit)) == (2, True)
        assert "--password-stdin" in result.output

    @pytest.mark.usefixtures("environment")
    def test_environment_is_checked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A wrong environment variable is one line too."""
        monkeypatch.setenv("PARLEY_JWT_SECRET", "qxz7!")
        result = create_admin(EMAIL, PASSWORD)
        assert isinstance(result.exception, StartupError)
        assert str(result.exception).startswith("settings: PARLEY_JWT_SECRET: ")
        assert "qxz7!" not in str(result.exception)

    def test_new_embedded_database(self, tmp_path: Path) -> None:
        """In a new data directory the named administrator is created, and no random one."""
        announced: list[str] = []
        arguments = ["create-admin", "--email", EMAIL, "--password-stdin", "--data-dir", str(tmp_path / "data")]
        for _ in range(2):
            result = run(*arguments, standard_input=PASSWORD, announced=announced)
            assert (result.exit_code, result.output) == (0, f"Administrator {EMAIL} is ready.\n")
        assert not any("password" in line for line in announced)
        assert (tmp_path / "data" / "jwt_secret").exists()


class TestPolicy:
    def test_markdown(self) -> None:
        """By default the policy is printed as Markdown, without any database."""
        result = run("policy")
        assert result.exit_code == 0
        lines = result.output.splitlines()
        assert lines[0] == "# Who may do what"
        assert "| users:update |  | admin |  |  |  |" in lines
        assert "| users:read |  | admin |  |  | yes |" in lines
        assert "| PATCH | /v1/users/{user_id} | users:update |  |" in lines
        assert "| POST | /v1/auth/login |  | the password identifies the caller |" in lines
        assert result.output.endswith("|\n")

    def test_json(self) -> None:
        """The JSON output has the same content."""
        result = run("policy", "--format", "json")
        policy = json.loads(result.output)
        assert {
            "action": "account:read",
            "scope": None,
            "roles": None,
            "relations": None,
            "states": None,
            "keys": False,
        } in policy["rules"]
        routes = {(row["method"], row["path"]): row for row in policy["routes"]}
        assert routes["GET", "/v1/users/me"]["guard"] == ["account:read"]
        assert routes["GET", "/healthz"]["guard"] is None
        assert all(row["guard"] or row["public because"] for row in policy["routes"])
        assert result.output.endswith("}\n")

    def test_unknown_format(self) -> None:
        """An unknown format is a usage error."""
        assert run("policy", "--format", "xml").exit_code == 2

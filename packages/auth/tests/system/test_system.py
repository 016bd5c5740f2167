"""What administrators are shown of the system."""

import platform
from importlib.metadata import version

import httpx
import pytest
from fastapi import FastAPI

import parley_auth.plugin
from parley_auth.testing import People, auth_settings, roles_plugin, some_people
from parley_core.http.framework import routes_of
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import an_application, running_client


async def test_versions(app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
    """They are those of what runs."""
    system = (await client.get("/v1/system", headers=people.admin.headers)).json()
    assert (system["name"], system["version"]) == (app.title, app.version)
    assert system["python"] == platform.python_version()
    assert system["mongodb"].split(".")[0].isdecimal()
    packages = {package["name"]: package["version"] for package in system["packages"]}
    assert packages["parley-auth"] == version("parley-auth")
    assert packages["pymongo"] == version("pymongo")


async def test_plugins(app: FastAPI, client: httpx.AsyncClient, people: People) -> None:
    """Each plugin has its hooks, and each route is there once with its guard or as a public one."""
    system = (await client.get("/v1/system", headers=people.admin.headers)).json()
    plugins = {plugin["name"]: plugin for plugin in system["plugins"]}
    assert "parley_policies" in plugins["auth"]["hooks"]
    assert plugins["auth"]["package"] == "parley-auth"
    routes = {(row["method"], row["path"]): row for plugin in plugins.values() for row in plugin["routes"]}
    assert len(routes) == sum(len(plugin["routes"]) for plugin in plugins.values())
    served = {(method, route.path) for route in routes_of(app) for method in route.methods or ()}
    assert routes.keys() == {(method, path) for method, path in served if method != "HEAD"}
    assert all(bool(row["action"]) != row["public"] for row in routes.values())
    assert routes["GET", "/v1/system"]["action"] == "system:read"
    assert routes["POST", "/v1/auth/login"]["public"]


async def test_policy(client: httpx.AsyncClient, people: People) -> None:
    """The rules are those of the table."""
    items = (await client.get("/v1/system/policy", headers=people.admin.headers)).json()["items"]
    [rule] = [rule for rule in items if rule["action"] == "system:read"]
    assert rule == {
        "action": "system:read",
        "scope": None,
        "roles": ["admin"],
        "relations": None,
        "states": None,
        "keys": False,
    }


async def test_warnings(core_settings: CoreSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is badly set is named with what to do, and no value of a setting is there."""
    monkeypatch.setenv("PARLEY_JWT_SECRETS", canary := "a value that nobody may see")
    secret = auth_settings()
    app = an_application(
        [core_settings, secret], [parley_auth.plugin, roles_plugin("interviewer", registers="candidate")]
    )
    async with running_client(app) as client:
        people = await some_people(app)
        answer = await client.get("/v1/system", headers=people.admin.headers)
        warnings = {one["code"]: one["message"] for one in answer.json()["warnings"]}
        assert "PARLEY_JWT_SECRET?" in warnings["setting_unknown"]
        assert {"plain_http", "registration_open"} <= warnings.keys()
        local = await client.get("http://localhost:8000/v1/system", headers=people.admin.headers)
        assert [one["code"] for one in local.json()["warnings"]] == ["setting_unknown"]
    assert canary not in answer.text
    assert secret.jwt_secret
    assert secret.jwt_secret.get_secret_value() not in answer.text
    assert core_settings.mongodb_uri
    assert core_settings.mongodb_uri.get_secret_value() not in answer.text

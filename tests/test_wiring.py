"""How the packages fit together: entry points, versions, events, ownership."""

import re
import tomllib
from collections import defaultdict
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

import parley_auth.events
import parley_calendar.events
import parley_interviews.events
import parley_messaging.events
import parley_webhooks.events
from parley_auth.testing import Account, auth_settings
from parley_core import EventLog, Parley, StartupError
from parley_core.kernel.settings import CoreSettings, PluginSettings
from parley_core.log.relay import Relay
from parley_interviews.testing import bring_to, create_interview

PACKAGES = Path(__file__).parents[1] / "packages"
PROJECTS: dict[str, dict[str, Any]] = {
    path.parent.name: tomllib.loads(path.read_text())["project"] for path in sorted(PACKAGES.glob("*/pyproject.toml"))
}


def siblings_of(project: dict[str, Any]) -> list[tuple[str, str]]:
    """The Parley packages that a project requires, with their ranges."""
    found = (re.fullmatch(r"parley-(\w+)(?:\[\w+\])?([<>=!~].*)", r) for r in project["dependencies"])
    return [(match[1], match[2]) for match in found if match]


def test_entry_points() -> None:
    """All plugins are found by their entry points."""
    assert {point.name for point in entry_points(group="parley")} >= PROJECTS.keys() - {"core"}


@pytest.mark.parametrize("name", sorted(PROJECTS))
def test_sibling_ranges(name: str) -> None:
    """Each sibling requirement is a range, and it admits the sibling's present version."""
    siblings = siblings_of(PROJECTS[name])
    assert siblings or name == "core"
    for sibling, wanted in siblings:
        lower, upper = re.fullmatch(r">=([\d.]+),<([\d.]+)", wanted).groups()  # type: ignore[union-attr]
        assert _numbers(lower) <= _numbers(PROJECTS[sibling]["version"]) < _numbers(upper)


def test_layers() -> None:
    """Core needs nobody, auth and console need core, each feature both, two of them one more; app needs all."""
    needs = {name: {sibling for sibling, _ in siblings_of(project)} for name, project in PROJECTS.items()}
    features = needs.keys() - {"core", "auth", "console", "app"}
    assert (needs["core"], needs["auth"], needs["console"]) == (set(), {"core"}, {"core"})
    more = {"webhooks": {"events"}, "calendar": {"interviews"}}
    assert {name: needs[name] for name in features} == {n: {"core", "auth"} | more.get(n, set()) for n in features}
    assert needs["app"] == needs.keys() - {"app"}


def test_the_embedded_server_is_an_extra() -> None:
    """The server is large, and whoever has a MongoDB installs the application without it; a checkout takes it."""
    plain = [requirement for project in PROJECTS.values() for requirement in project["dependencies"]]
    assert not [requirement for requirement in plain if re.search(r"fiftyone|embedded|testing", requirement)]
    assert PROJECTS["app"]["optional-dependencies"]["embedded"] == ["parley-core[embedded]"]
    workspace = tomllib.loads((PACKAGES.parent / "pyproject.toml").read_text())
    assert workspace["project"]["dependencies"] == ["parley-app[embedded]"]


@pytest.mark.parametrize("name", sorted(PROJECTS))
def test_what_an_index_of_packages_shows(name: str) -> None:
    """Each has keywords to be found by; what addresses it names are the same in all, or there are none yet."""
    keywords = PROJECTS[name]["keywords"]
    assert keywords == sorted(set(keywords))
    assert len(keywords) >= 3
    assert PROJECTS[name].get("urls", {}).keys() == PROJECTS["core"].get("urls", {}).keys()


def test_any_order(core_settings: CoreSettings) -> None:
    """Load order means nothing: plugins given in any order compose to the same rules and events."""
    modules = [entry.load() for entry in entry_points(group="parley")]
    one, other = (Parley([core_settings, auth_settings()], plugins=order) for order in (modules, modules[::-1]))
    assert one.events.types.keys() == other.events.types.keys()
    assert [info.name for info in one.plugins.info()] == [info.name for info in other.plugins.info()]


def test_a_feature_without_auth(core_settings: CoreSettings) -> None:
    """Loading interviews without auth is refused and names the plugin and the hook that nobody specifies."""
    with pytest.raises(StartupError, match=r"interviews.*parley_p"):
        Parley([core_settings, PluginSettings(plugins=("interviews",))])


def test_declared_events(app: FastAPI) -> None:
    """Every event type that a package defines is declared, and has a kind and a description."""
    declared = app.state.parley.events.types
    packages = (parley_auth, parley_calendar, parley_interviews, parley_messaging, parley_webhooks)
    defined = [event for package in packages for event in package.events.EVENTS]
    assert {event.name for event in defined} <= declared.keys()
    for name, event in declared.items():
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+", name)
        assert event.description.endswith(".")


async def test_recorded_events_are_declared(
    app: FastAPI, client: httpx.AsyncClient, admin: Account, candidate: Account
) -> None:
    """What is in the log of a used database are declared events, the revisions of each thing without gap."""
    interview = await create_interview(client, admin, candidate)
    await client.patch(f"/v1/interviews/{interview['id']}", json={"title": "Another"}, headers=admin.headers)
    messages = f"/v1/interviews/{interview['id']}/messages"
    for content in ("Hello", "Shall we begin?"):
        await client.post(messages, json={"content": content}, headers=candidate.headers)
    await bring_to(client, admin, interview["id"], "completed")
    await client.patch(f"/v1/users/{candidate.id}", json={"active": False}, headers=admin.headers)
    await app.state.parley.require(Relay).drain()
    entries = await app.state.parley.require(EventLog).after(0, limit=1000)
    revisions: dict[tuple[str, str], list[int]] = defaultdict(list)
    for entry in entries:
        revisions[entry.kind, entry.subject_id].append(entry.rev)
    assert {kind for kind, _ in revisions} == {"user", "interview", "message_log"}
    assert len(entries) >= 9
    assert all(revs == list(range(1, len(revs) + 1)) for revs in revisions.values())
    assert {entry.type for entry in entries} <= app.state.parley.events.types.keys()


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))

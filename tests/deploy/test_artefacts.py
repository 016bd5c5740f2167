"""The files in deploy/ are what others' tools take, and close what they promise to close."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from parley_core.kernel.plugins import Plugins
from parley_core.kernel.settings import env_name

DEPLOY = Path(__file__).parents[2] / "deploy"
SCHEMA = ("check-jsonschema", "--builtin-schema", "vendor.compose-spec")
JOBS = {"replica-set", "migrate"}
# Of 10; a unit without any protection has 9.6.
EXPOSURE = 1.5


def run(*command: str | Path) -> "subprocess.CompletedProcess[str]":
    """Run a tool; skip the test visibly where it isn't installed."""
    if not shutil.which(str(command[0])):
        pytest.skip(f"{command[0]} is not installed")
    return subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=60, check=False)


def changed(file: str, folder: Path, old: str, new: str) -> Path:
    """Return a copy of a file in which some text is another."""
    text = (DEPLOY / file).read_text(encoding="utf-8")
    assert old in text
    copy = folder / file
    copy.write_text(text.replace(old, new), encoding="utf-8")
    return copy


class TestDockerfile:
    def test_is_clean(self) -> None:
        found = run("hadolint", DEPLOY / "Dockerfile")
        assert found.returncode == 0, found.stdout

    def test_fires(self, tmp_path: Path) -> None:
        found = run("hadolint", changed("Dockerfile", tmp_path, "USER 10001:10001", "USER root"))
        assert (found.returncode, "DL3002" in found.stdout) == (1, True)

    def test_leaves_out_a_mongod(self) -> None:
        """The image is built without the extra that brings one, from nothing but the packages."""
        [sync] = re.findall(r"uv sync .*", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
        assert "embedded" not in sync
        assert "--all-packages" not in sync
        kept = (DEPLOY.parent / ".dockerignore").read_text(encoding="utf-8").splitlines()
        assert kept[1:4] == ["*", "!pyproject.toml", "!packages"]


class TestCompose:
    @pytest.fixture
    def services(self) -> dict[str, Any]:
        services: dict[str, Any] = YAML(typ="safe").load(DEPLOY / "compose.yaml")["services"]
        return services

    def test_is_valid(self) -> None:
        found = run(*SCHEMA, DEPLOY / "compose.yaml")
        assert found.returncode == 0, found.stdout

    def test_fires(self, tmp_path: Path) -> None:
        found = run(*SCHEMA, changed("compose.yaml", tmp_path, "stop_grace_period", "stop_grace"))
        assert (found.returncode, "stop_grace" in found.stdout) == (1, True)

    def test_services_are_closed(self, services: dict[str, Any]) -> None:
        """No service writes into its root, has a capability, can get one, or runs as root."""
        assert services.keys() == {"mongodb", "api", *JOBS}
        for service in services.values():
            assert service["read_only"] is True
            assert service["cap_drop"] == ["ALL"]
            assert service["security_opt"] == ["no-new-privileges:true"]
            assert service.get("user", service["image"]) in {"999:999", "parley"}
            assert "privileged" not in service

    def test_order(self, services: dict[str, Any]) -> None:
        """Data is migrated once the set is there, and served once it is migrated."""
        done = "service_completed_successfully"
        assert services["migrate"]["depends_on"] == {"replica-set": {"condition": done}}
        assert services["api"]["depends_on"] == {"migrate": {"condition": done}}
        assert {name for name, service in services.items() if service["restart"] == "no"} == JOBS
        assert {name for name, service in services.items() if "healthcheck" in service} == {"mongodb", "api"}

    def test_only_this_machine_reaches_it(self, services: dict[str, Any]) -> None:
        ports = {name: service["ports"] for name, service in services.items() if "ports" in service}
        assert ports == {"api": ["127.0.0.1:8000:8000"]}


class TestUnit:
    def unit(self, folder: Path, old: str, new: str) -> Path:
        """Return a copy that runs a program that is there, with some other text."""
        copy = changed("parley.service", folder, old, new)
        copy.write_text(copy.read_text(encoding="utf-8").replace("/opt/parley/bin/parley", shutil.which("true") or ""))
        return copy

    def test_is_valid(self, tmp_path: Path) -> None:
        found = run("systemd-analyze", "verify", self.unit(tmp_path, "", ""))
        assert (found.returncode, found.stderr) == (0, "")

    @pytest.mark.parametrize(("old", "new"), [("KillMode=mixed", "KillMode=gently"), ("ExecStart=", "ExecStarts=")])
    def test_fires(self, tmp_path: Path, old: str, new: str) -> None:
        """A value and a name that systemd doesn't know are found."""
        found = run("systemd-analyze", "verify", self.unit(tmp_path, old, new))
        assert found.stderr

    def test_exposure(self, tmp_path: Path) -> None:
        """By systemd's own measure little of the machine is exposed to it; a protection less would be seen."""
        assert self.exposure(tmp_path, "", "") <= EXPOSURE < self.exposure(tmp_path, "CapabilityBoundingSet=\n", "")

    def exposure(self, folder: Path, old: str, new: str) -> float:
        options = ("--offline=true", "--no-pager", "--threshold=100")
        found = run("systemd-analyze", "security", *options, self.unit(folder, old, new))
        measured = re.search(r"exposure level for \S+: ([\d.]+)", found.stdout)
        assert measured, found.stdout + found.stderr
        return float(measured[1])


@pytest.mark.parametrize("file", ["Dockerfile", "compose.yaml", "parley.service"])
def test_settings_exist(file: str) -> None:
    """Each setting that a file makes is one: a misspelt one would only be warned of."""
    declared = [name for each in Plugins().settings_classes() for name in each.value.model_fields]
    known = {env_name(name) for name in declared}
    set_here = set(re.findall(r"PARLEY_[A-Z_]+", (DEPLOY / file).read_text(encoding="utf-8")))
    assert set_here
    assert {name.removesuffix("_FILE") for name in set_here} - known == set()

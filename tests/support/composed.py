"""The services of a compose file, each as a container of this machine. What only an engine knows of, fails."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from containers import Container, Image
from ruamel.yaml import YAML

# What makes a container as all are here, what only an engine needs, and when a container is started.
_WITHOUT_EFFECT = {"read_only", "cap_drop", "security_opt", "build", "networks", "network_mode", "ports"}
_TIMES = {"depends_on", "healthcheck", "restart", "stop_grace_period"}
_HERE = {"image", "user", "entrypoint", "command", "environment", "tmpfs", "volumes", "secrets"}
_KNOWN = _HERE | _WITHOUT_EFFECT | _TIMES


@dataclass(frozen=True)
class Composition:
    """A compose file, with images and folders of this machine."""

    file: Path
    images: Mapping[str, Image]
    volumes: Path
    network: int

    def container(self, name: str, folder: Path) -> Container:
        """Return the container of a service, to be put together in a folder of its own."""
        service = self._services[name]
        image = self.images[service["image"]]
        assert service.keys() <= _KNOWN
        return Container(
            image=replace(image, user=service.get("user", image.user)),
            network=self.network,
            folder=folder,
            binds=dict(self._volume(volume) for volume in service.get("volumes", ())) | self._secrets(service),
            tmpfs={target: options for target, _, options in (mount.partition(":") for mount in service["tmpfs"])},
            environment={**image.environment, **service["environment"]},
        )

    def command(self, name: str) -> list[str]:
        """Return what a service runs."""
        service = self._services[name]
        image = self.images[service["image"]]
        return [*service.get("entrypoint", image.entrypoint), *service.get("command", image.command)]

    def health(self, name: str) -> list[str]:
        """Return the command that says whether a service is well."""
        kind: str
        command: list[str]
        kind, *command = self._services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        return command

    @cached_property
    def _content(self) -> dict[str, Any]:
        content: dict[str, Any] = YAML(typ="safe").load(self.file)
        return content

    @property
    def _services(self) -> dict[str, Any]:
        services: dict[str, Any] = self._content["services"]
        return services

    def _volume(self, volume: str) -> tuple[str, Path]:
        source, target = volume.split(":")[:2]
        named = source in self._content["volumes"]
        return target, self.volumes / source if named else self.file.parent / source

    def _secrets(self, service: Mapping[str, Any]) -> dict[str, Path]:
        files = {name: self.file.parent / secret["file"] for name, secret in self._content["secrets"].items()}
        return {f"/run/secrets/{name}": files[name] for name in service.get("secrets", ())}

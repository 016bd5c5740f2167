"""Settings from files: PARLEY_X_FILE names the file with the value of PARLEY_X, as container secrets are delivered."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic_settings import PydanticBaseSettingsSource


@dataclass(frozen=True)
class Unread:
    """Takes the place of a value that there isn't, so that all problems are reported together."""

    reason: str


class NamedFiles(PydanticBaseSettingsSource):
    """Reads each field from the file that its variable with `_FILE` names.

    Ask it before the environment: a field that both give has no value, but a problem.
    """

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        name = f"{self.config['env_prefix']}{field_name}".upper()
        return _value_of(name, environment()), field_name, False

    def __call__(self) -> dict[str, Any]:
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None}


def environment() -> dict[str, str]:
    """Return the variables that are set and not empty, in capitals: settings are read in either case."""
    return {name.upper(): value for name, value in os.environ.items() if value}


def _value_of(name: str, variables: Mapping[str, str]) -> str | Unread | None:
    path = variables.get(f"{name}_FILE")
    if path is None:
        return None
    if name in variables:
        return Unread(f"{name} and {name}_FILE are both set: unset one of them")
    return _content(f"{name}_FILE names {path}, which", Path(path))


def _content(named: str, path: Path) -> str | Unread:
    try:
        text = path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        return Unread(f"{named} can't be read ({error.strerror})")
    except UnicodeDecodeError:
        return Unread(f"{named} is not text")
    return text if text.strip() else Unread(f"{named} is empty")

"""What a plugin declares, with its name. This module imports nothing of Parley, since every room uses it."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Declared(Generic[T_co]):
    """One declaration and the plugin that made it; the plugin is "" for what the host application brings itself."""

    plugin: str
    value: T_co

    @property
    def owner(self) -> str:
        """The owner as messages name it."""
        return f"plugin '{self.plugin}'" if self.plugin else "the application itself"

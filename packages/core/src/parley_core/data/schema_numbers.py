"""The schema number of each plugin's stored data: how far its migrations are, and who may work on it.

A document of the collection `schema_numbers` for each plugin that has migrations:

- `_id`: the plugin's name,
- `at`: the number of the migration that was begun last,
- `done`: whether that is done; `cursor`: where it goes on if it isn't,
- `floor`: the number that a release must know to work on the data,
- `runner` and `until`: which process runs migrations now, and up to what time of the database it may.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

from parley_core.data.documents import Document
from parley_core.data.handle import Database
from parley_core.errors import StartupError

SCHEMA = "schema_numbers"


@dataclass(frozen=True)
class SchemaState:
    """How far the migrations of one plugin are.

    Args:
        at: the number of the one that was begun last.
        floor: the number that a release must know.
        done: whether that one is done.
        cursor: where it goes on if it isn't.
    """

    at: int = 0
    floor: int = 0
    done: bool = True
    cursor: Any = None

    @property
    def number(self) -> int:
        """The number of the last migration that is done."""
        return self.at if self.done else self.at - 1

    def state_of(self, number: int) -> Literal["done", "begun", "missing"]:
        """Return how far the migration of a number is."""
        if number <= self.number:
            return "done"
        return "begun" if number <= self.at else "missing"


async def schema_numbers(database: Database) -> dict[str, int]:
    """Return the number of each plugin's stored data, by the plugin's name; a plugin without migrations has none.

    A number counts from the moment in which its migration begins, since from then on there is data of its shape.
    """
    return {plugin: state.at for plugin, state in (await schema_states(database)).items()}


async def schema_states(database: Database) -> dict[str, SchemaState]:
    """Return how far the migrations of each plugin are.

    Raises:
        StartupError: what is stored about it can't be understood.
    """
    return {str(found["_id"]): state_of(found) for found in await database[SCHEMA].find().to_list()}


async def workable_states(database: Database, known: Mapping[str, int]) -> dict[str, SchemaState]:
    """Return how far the migrations of each plugin are, if a process may work on the data; store nothing.

    Args:
        database: the data.
        known: the highest number that the process knows of each of its plugins, 0 for one without migrations.

    Raises:
        StartupError: the data of a plugin is newer than what the process knows, or `schema_states` raises it.
    """
    states = await schema_states(database)
    for plugin, state in states.items():
        if plugin in known and state.floor > known[plugin]:
            raise StartupError(
                f"plugin '{plugin}': the data in database '{database.name}' has the schema number {state.at}, which "
                f"needs a release that knows number {state.floor}, and this one knows {known[plugin]}: start a newer "
                "release, or name another database in PARLEY_MONGODB_DATABASE"
            )
    return states


def state_of(found: Document) -> SchemaState:
    """Return what a stored document says; raise as `schema_states` does."""
    at, floor, done = found.get("at"), found.get("floor"), found.get("done")
    if not (_is_number(at) and _is_number(floor) and isinstance(done, bool)):
        raise StartupError(
            f"plugin '{found['_id']}': its schema number in the collection '{SCHEMA}' can't be read: start the release "
            "that wrote it"
        )
    return SchemaState(at, floor, done, found.get("cursor"))


def _is_number(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0

"""Core's own plugin: it uses the hooks that every plugin uses."""

from parley_core.data.indexes import CollectionIndexes
from parley_core.data.invalidation import GENERATIONS
from parley_core.data.schema_numbers import SCHEMA
from parley_core.data.stored_format import FORMAT
from parley_core.kernel.settings import CoreSettings, PluginSettings, Settings
from parley_core.log import outbox, reader
from parley_core.markers import hookimpl


@hookimpl
def parley_settings() -> list[type[Settings]]:
    return [PluginSettings, CoreSettings]


@hookimpl
def parley_indexes() -> list[CollectionIndexes]:
    unindexed = [CollectionIndexes(name, ()) for name in (GENERATIONS, reader.FENCE, FORMAT, SCHEMA)]
    return [*unindexed, reader.INDEXES, outbox.INDEXES]

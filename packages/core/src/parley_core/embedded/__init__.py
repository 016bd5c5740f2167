"""A real MongoDB of its own for every data directory: `mongod` as a child process that never outlives its owner."""

from parley_core.embedded.binary import find_mongod
from parley_core.embedded.inspection import has_data, inspect
from parley_core.embedded.keeper import Keeper
from parley_core.embedded.launcher import die_with
from parley_core.embedded.lock import DataDirectoryInUse
from parley_core.embedded.server import EmbeddedMongoDB
from parley_core.embedded.sharing import embedded_mongodb, running_uri

__all__ = [
    "DataDirectoryInUse",
    "EmbeddedMongoDB",
    "Keeper",
    "die_with",
    "embedded_mongodb",
    "find_mongod",
    "has_data",
    "inspect",
    "running_uri",
]

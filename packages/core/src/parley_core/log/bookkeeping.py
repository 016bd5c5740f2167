"""Core's own bookkeeping in the database, for whoever watches it: nothing that anybody is shown changes with it.

A module of its own, since it names what six others own.
"""

from collections.abc import Mapping
from typing import Any

from parley_core.data.invalidation import GENERATIONS
from parley_core.data.schema_numbers import SCHEMA
from parley_core.data.stored_format import FORMAT
from parley_core.log.outbox import OUTBOX
from parley_core.log.reader import EVENTS, FENCE

COLLECTIONS = (EVENTS, FENCE, FORMAT, GENERATIONS, OUTBOX, SCHEMA)
"""The collections that core owns."""

# What a recorded document loses to the log; a recorded write, which changes `history` too, raises `rev` with it.
_REMOVAL = {
    "operationType": "update",
    "updateDescription.updatedFields.history": {"$exists": True},
    "updateDescription.updatedFields.rev": {"$exists": False},
}

EXCLUDED: Mapping[str, Any] = {"ns.coll": {"$nin": list(COLLECTIONS)}, "$nor": [_REMOVAL]}
"""The `$match` of a change stream that leaves core's bookkeeping out; MongoDB applies it where it reads its oplog."""

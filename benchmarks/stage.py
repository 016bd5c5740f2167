"""What the parts of a run are given."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.database import Database

from benchmarks.cases import Reader


@dataclass(frozen=True)
class Stage:
    """A database with data, and who reads and writes it."""

    uri: str
    database: Database[dict[str, Any]]
    admin: str
    readers: Sequence[Reader]
    options: argparse.Namespace

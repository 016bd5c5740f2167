"""Widgets."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Widget:
    """A widget."""

    id: str
    title: str
    created_at: datetime

"""The settings of interviews."""

from pydantic import Field

from parley_core import Settings
from parley_interviews.models import OnConflict


class InterviewSettings(Settings):
    """How interviews are scheduled."""

    on_conflict: OnConflict = Field(
        OnConflict.ALLOW,
        description="Whether interviews of the same person may overlap where a request does not say: `allow` or "
        "`refuse`.",
    )

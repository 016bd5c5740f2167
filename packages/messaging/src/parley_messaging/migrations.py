"""How stored messages come from one shape to the next."""

from parley_core import Migration
from parley_core.data.migration_steps import renamed_field
from parley_messaging.indexes import MESSAGES

MIGRATIONS = [
    # Before the indexes over the new name are built: two of them are unique.
    Migration(1, "logs of any resource", "expand", renamed_field(MESSAGES, "interview_id", "log_id")),
]

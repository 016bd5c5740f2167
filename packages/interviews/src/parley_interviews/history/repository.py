"""The history of interviews."""

from parley_core import Database, History
from parley_interviews.indexes import INTERVIEWS


class InterviewHistory(History):
    """Reads what happened to interviews."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, INTERVIEWS, kind="interview")

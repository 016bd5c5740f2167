"""The heads of the logs, read by coalesced point reads."""

from parley_core import Database
from parley_core.data.point_reads import PointReader
from parley_messaging.indexes import LOGS


class LogHeads:
    """Reads the places of the logs' last messages."""

    def __init__(self, database: Database) -> None:
        self._reader = PointReader(database[LOGS], {"last_seq": True})

    async def of(self, interview_id: str) -> int:
        """The `seq` of the log's last message, fresh from the primary; 0 when there is none."""
        log = await self._reader.read(interview_id)
        return int(log["last_seq"]) if log else 0

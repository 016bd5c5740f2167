"""What is asked of MongoDB about itself."""

from parley_core import Database


class SystemRepository:
    """Asks the server of a database."""

    def __init__(self, database: Database) -> None:
        self._client = database.client

    async def version(self) -> str:
        """Return the version of the server."""
        return str((await self._client.server_info())["version"])

"""The number of the stored format: data that this release would misread stops the start."""

import pytest

from parley_core import Parley, StartupError
from parley_core.data.stored_format import FORMAT, NUMBER
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin

NOTES = a_plugin("notes", parley_events=[])


async def test_first_start(core_settings: CoreSettings) -> None:
    """A database gets the number with its first start, and the next start accepts it."""
    for _ in range(2):
        async with Parley([core_settings], plugins=[NOTES]).running() as parley:
            assert await parley.database[FORMAT].find_one() == {"_id": "format", "number": NUMBER}


async def test_other_format(core_settings: CoreSettings) -> None:
    """Data of another format stops the start with a line that says what to do."""
    async with Parley([core_settings], plugins=[NOTES]).running() as parley:
        await parley.database[FORMAT].update_one({}, {"$set": {"number": NUMBER + 1}})
    with pytest.raises(StartupError, match=rf"format {NUMBER + 1}, and this release reads format {NUMBER}: start"):
        async with Parley([core_settings], plugins=[NOTES]).running():
            pass

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


async def found_format(settings: CoreSettings, stored: object) -> object:
    """The number after a start on data with another one."""
    async with Parley([settings], plugins=[NOTES]).running() as parley:
        await parley.database[FORMAT].update_one({}, {"$set": {"number": stored}})
    async with Parley([settings], plugins=[NOTES]).running() as parley:
        found = await parley.database[FORMAT].find_one()
        return found and found["number"]


async def test_older_format(core_settings: CoreSettings) -> None:
    """Data that this start brings up to date gets this release's number, so that the older one refuses it."""
    assert await found_format(core_settings, NUMBER - 1) == NUMBER


@pytest.mark.parametrize("stored", [NUMBER + 1, 0, "1", None])
async def test_other_format(core_settings: CoreSettings, stored: object) -> None:
    """Data of any other format stops the start with a line that says what to do."""
    with pytest.raises(StartupError, match=rf"format {stored}, and this release reads format {NUMBER}: start"):
        await found_format(core_settings, stored)

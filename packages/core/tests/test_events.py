"""The catalogue of events."""

import pytest

from parley_core import EventType, Invalidation, Parley, StartupError
from parley_core.testing import a_plugin

CREATED = EventType("note.created", "Somebody made a note.")
OUTDATES = Invalidation(on="note.created", keys=lambda event: [f"notes:{event['actor']}"])


class TestCatalogue:
    def test_types_and_invalidations(self) -> None:
        """A plugin's invalidations are found by the type of event, whichever plugin declares that."""
        parley = Parley(
            plugins=[
                a_plugin("z_notes", parley_events=[CREATED]),
                a_plugin("a_feed", parley_cache_invalidations=[OUTDATES, OUTDATES]),
            ]
        )
        assert parley.events.types == {"note.created": CREATED}
        assert parley.events.invalidations == {"note.created": [OUTDATES, OUTDATES]}
        assert list(OUTDATES.keys({"actor": "ada"})) == ["notes:ada"]

    def test_two_plugins_with_one_event(self) -> None:
        """One type of event has one owner."""
        with pytest.raises(StartupError, match=r"event 'note.created' is declared by 'one' and 'two'"):
            Parley(plugins=[a_plugin("two", parley_events=[CREATED]), a_plugin("one", parley_events=[CREATED])])

    def test_invalidation_of_an_undeclared_event(self) -> None:
        """A misspelt type of event would leave cached answers stale."""
        with pytest.raises(StartupError) as failure:
            Parley(plugins=[a_plugin("feed", parley_cache_invalidations=[OUTDATES])])
        assert str(failure.value) == "plugin 'feed': invalidation for event 'note.created', which nobody declares"

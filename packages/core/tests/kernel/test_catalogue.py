"""The catalogue of events: every type has one owner, and every rule an event."""

import dataclasses

import pytest

from parley_core import EventType, Invalidation, Parley, StartupError
from parley_core.testing import a_plugin

CREATED = EventType("note.created", "Somebody wrote a note.")
INVALIDATES = Invalidation(on="note.created", keys=lambda event: [f"notes:{event['actor']}"])


class TestCatalogue:
    def test_types_and_invalidations(self) -> None:
        """A plugin's invalidations are found by the type of event, whichever plugin declares that."""
        parley = Parley(
            plugins=[
                a_plugin("z_notes", parley_events=[CREATED]),
                a_plugin("a_feed", parley_cache_invalidations=[INVALIDATES, INVALIDATES]),
            ]
        )
        assert parley.events.types == {"note.created": CREATED}
        assert parley.events.invalidations == {"note.created": [INVALIDATES, INVALIDATES]}
        assert list(INVALIDATES.keys({"actor": "ada"})) == ["notes:ada"]

    def test_two_plugins_with_one_event(self) -> None:
        """One type of event has one owner."""
        with pytest.raises(StartupError, match=r"event 'note.created' is declared by plugin 'one' and by plugin 'two'"):
            Parley(plugins=[a_plugin("two", parley_events=[CREATED]), a_plugin("one", parley_events=[CREATED])])

    def test_invalidation_of_an_undeclared_event(self) -> None:
        """A misspelt type of event would leave cached answers stale."""
        with pytest.raises(StartupError) as failure:
            Parley(plugins=[a_plugin("feed", parley_cache_invalidations=[INVALIDATES])])
        assert str(failure.value) == (
            "plugin 'feed': invalidation for event 'note.created', which no plugin declares: "
            "install the package that does, or mark the rule optional=True"
        )

    def test_optional_invalidation(self) -> None:
        """A rule that says so is left out where the package with its event isn't there, and counts where it is."""
        rule = dataclasses.replace(INVALIDATES, optional=True)
        feed = a_plugin("feed", parley_cache_invalidations=[rule])
        assert Parley(plugins=[feed]).events.invalidations == {}
        with_notes = Parley(plugins=[feed, a_plugin("notes", parley_events=[CREATED])])
        assert with_notes.events.invalidations == {"note.created": [rule]}

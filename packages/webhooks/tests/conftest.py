"""Fixtures of the tests of webhooks: names and their addresses."""

import pytest

from parley_webhooks.testing import Names


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    """Return the names of this test."""
    return Names(monkeypatch)

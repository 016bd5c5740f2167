"""Errors of items, collected into one answer."""

import pytest

from parley_core.errors import BusinessRuleError, RouteNotFound, Unavailable
from parley_core.item_errors import ItemErrors

RULE = {"code": "rule", "title": "A rule"}


def test_items() -> None:
    """Every item that breaks a rule is named, by the first one's error; any other error is raised at once."""
    found = ItemErrors()
    found.check()
    for number, error in enumerate([None, RouteNotFound(), type("Rule", (BusinessRuleError,), RULE)()]):
        with found.at(f"#/items/{number}"):
            if error:
                raise error
    with pytest.raises(RouteNotFound) as raised:
        found.check()
    assert [(e.pointer, e.code) for e in raised.value.errors] == [("#/items/1", "not_found"), ("#/items/2", "rule")]
    with pytest.raises(Unavailable), found.at("#/items/3"):
        raise Unavailable

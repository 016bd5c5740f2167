"""Errors as classes: status, code and category are data, and fit together."""

import pytest

from parley_core import ParleyError, errors, raises
from parley_core.errors import FieldError, PreconditionFailed, Unavailable
from parley_core.pointers import nameable

RULE = {"code": "rule", "title": "A rule"}
CONCRETE = [
    error
    for error in vars(errors).values()
    if isinstance(error, type) and issubclass(error, ParleyError) and hasattr(error, "code")
]
OWN = {"authentication": 401, "authorization": 403, "business_rule": 400}


class TestCategories:
    @pytest.mark.parametrize("error", CONCRETE, ids=lambda error: error.code)
    def test_core(self, error: type[ParleyError]) -> None:
        """Core's errors carry a status, a category of the eight and a title; no code is used twice."""
        known = {*OWN, "validation", "not_found", "conflict", "rate_limit", "server"}
        assert error.category in known
        assert OWN.get(error.category, error.status) == error.status
        assert error.title == error().detail
        assert [other.code for other in CONCRETE].count(error.code) == 1

    @pytest.mark.parametrize(
        ("status", "category"),
        [
            (401, "authorization"),
            (401, "validation"),
            (403, "authentication"),
            (403, "not_found"),
            (404, "business_rule"),
            (400, "authentication"),
        ],
        ids=str,
    )
    def test_what_does_not_fit(self, status: int, category: str) -> None:
        """An error class of a wrong category can't be written."""
        with pytest.raises(TypeError, match=f"Wrong: category '{category}' doesn't go with status {status}"):
            type("Wrong", (ParleyError,), {"status": status, "category": category})

    def test_base_classes(self) -> None:
        """A class that leaves category or status to its subclasses is checked with them."""
        half = type("Half", (ParleyError,), {"status": 403})
        with pytest.raises(TypeError, match="Wrong"):
            type("Wrong", (half,), {"category": "conflict"})


class TestErrors:
    def test_detail(self) -> None:
        """Without a detail of its own an error has its title."""
        assert PreconditionFailed().detail == PreconditionFailed.title
        assert PreconditionFailed("Version 3 is current").detail == str(PreconditionFailed("Version 3 is current"))

    def test_field_errors_and_headers(self) -> None:
        """Fields and headers are kept as given; an outage says when to come again."""
        field = FieldError("#/title", "blank", "Must not be blank")
        error = errors.ValidationError(errors=[field], headers={"X-Extra": "1"})
        assert (error.errors, error.headers) == ((field,), {"X-Extra": "1"})
        assert Unavailable().headers == {"Retry-After": "2"}

    def test_raises(self) -> None:
        """The decorator declares, and leaves the function what it is."""

        def function() -> int:
            return 1

        assert raises(PreconditionFailed, Unavailable)(function) is function
        assert vars(function)["errors"] == (PreconditionFailed, Unavailable)

    @pytest.mark.parametrize("name", ["title", "client_message_id", "a-b.c", "x" * 64], ids=lambda name: name[:8])
    def test_nameable(self, name: str) -> None:
        """Names that a field could have are repeated."""
        assert nameable(name) == name

    @pytest.mark.parametrize(
        "name", ["", "x" * 65, "a b", "é", "\ud800", "<script>", "a/b", "a~b", "a\n"], ids=lambda name: ascii(name)[:9]
    )
    def test_not_nameable(self, name: str) -> None:
        """Whatever could carry something else is not."""
        assert nameable(name) == "?"

"""The building blocks of bodies and answers."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import MISSING, Field, StringConstraints, TypeAdapter, ValidationError

from parley_core import Parley
from parley_core.clock import to_milliseconds
from parley_core.http.patterns import LINE, PARAGRAPHS, sort_orders
from parley_core.http.schemas import (
    Body,
    Id,
    Instant,
    Line,
    Paragraphs,
    Patch,
    Remark,
    Representation,
    SearchText,
    Url,
    Visible,
    WholeNumber,
)
from parley_core.kernel.settings import CoreSettings
from parley_core.testing import a_plugin


def taken(kind: Any, value: object) -> Any:
    """The value as a field of this kind takes it from JSON."""
    return TypeAdapter(kind).validate_python(value)


def refusal(kind: Any, value: object) -> str:
    with pytest.raises(ValidationError) as failure:
        taken(kind, value)
    return failure.value.errors()[0]["type"]


class TestInstant:
    @pytest.mark.parametrize(
        ("spelt", "expected"),
        [
            ("2027-03-01T09:30:00Z", datetime(2027, 3, 1, 9, 30, tzinfo=UTC)),
            ("2027-03-01t09:30z", datetime(2027, 3, 1, 9, 30, tzinfo=UTC)),
            ("2027-03-01T09:30:00.123999+02:00", datetime(2027, 3, 1, 7, 30, 0, 123_000, tzinfo=UTC)),
            ("2027-03-01T00:15:00-23:59", datetime(2027, 3, 2, 0, 14, tzinfo=UTC)),
            ("2000-01-01T00:00:00Z", datetime(2000, 1, 1, tzinfo=UTC)),
            ("2100-12-31T23:59:59.999Z", datetime(2100, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)),
            ("1999-12-31T23:00:00-01:00", datetime(2000, 1, 1, tzinfo=UTC)),
            ("2101-01-01T00:59:00+01:00", datetime(2100, 12, 31, 23, 59, tzinfo=UTC)),
            ("2096-02-29T00:00:00Z", datetime(2096, 2, 29, tzinfo=UTC)),
        ],
        ids=str,
    )
    def test_taken(self, spelt: str, expected: datetime) -> None:
        """An instant is kept in UTC at millisecond precision; what counts for the range is UTC."""
        assert taken(Instant, spelt) == expected
        assert taken(Instant, spelt).utcoffset() == expected.utcoffset()

    @pytest.mark.parametrize(
        "value",
        [
            "2027-03-01T09:30:00",
            "2027-03-01",
            "09:30:00Z",
            "2027-03-01 09:30:00Z",
            "20270301T093000Z",
            "2027-W09-1T09:30:00Z",
            "2027-02-29T00:00:00Z",
            "2027-03-01T24:00:00Z",
            "2027-03-01T09:30:60Z",
            "2027-03-01T09:30:00+24:00",
            "2027-03-01T09:30:00+0200",
            "２０２７-03-01T09:30:00Z",  # wide digits
            "1999-12-31T23:59:59.999Z",
            "2101-01-01T00:00:00Z",
            "2100-12-31T23:59:59-01:00",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "0000-01-01T00:00:00Z",
            "+2027-03-01T09:30:00Z",
            "100000000000",
            100_000_000_000,
            1.5,
            True,
            None,
            "",
            datetime(2027, 3, 1),  # noqa: DTZ001 - what is refused
        ],
        ids=ascii,
    )
    def test_refused(self, value: object) -> None:
        """No other spelling, no number, no time without an offset, none out of range."""
        assert refusal(Instant, value)

    @pytest.mark.parametrize(
        "spelt", ["2027-03-01T09:30:00 02:00", "2027-03-01t09:30 00:00", "2027-03-01T09:30:00.5 14:00"]
    )
    def test_lost_plus(self, spelt: str) -> None:
        """A + that arrived as a space, as it does from an address, is named with its remedy; other errors aren't."""
        messages = []
        for value in (spelt, "2027-03-01 09:30:00", "x 02:00", " "):
            with pytest.raises(ValidationError) as failure:
                taken(Instant, value)
            messages.append(failure.value.errors()[0]["msg"])
        assert ["%2B" in message for message in messages] == [True, False, False, False]

    @given(st.datetimes(timezones=st.timezones()))
    def test_any_datetime(self, instant: datetime) -> None:
        """Any date of the calendar either comes back as the same instant or is refused."""
        try:
            found = taken(Instant, instant.isoformat())
        except ValidationError:
            return
        assert found == to_milliseconds(instant)
        assert 2000 <= found.year <= 2100


class TestText:
    @pytest.mark.parametrize("value", ["a", "é", "👩‍🚀", "$where", "العربية", "a b", "x" * 5000], ids=ascii)
    def test_line(self, value: str) -> None:
        """Any script is text; surrounding space is removed."""
        assert taken(Line, f" {value}\u3000") == value

    @pytest.mark.parametrize(
        "value",
        [
            "",
            " ",
            "\u3000",
            "a\nb",
            "a\tb",
            "a\x00b",
            "a\x7fb",
            "a\x85b",
            "a\u2028b",
            "a\u2029b",
            "\ud800",
            "a\x1b[31mb",
        ],
        ids=ascii,
    )
    def test_no_line(self, value: str) -> None:
        """Blank text, control characters, line ends and lone surrogates are refused."""
        assert refusal(Line, value) in {"blank", "control_character", "string_unicode"}

    @pytest.mark.parametrize(
        "value", ["\u200b", "\u2800", "\u3164", "\u0301", "\ufe0f", "\U000e0020", " \u00ad "], ids=ascii
    )
    def test_nothing_visible(self, value: str) -> None:
        """A line, a remark and text that must be visible need a character that can be seen; other text doesn't."""
        assert refusal(Line, value) == refusal(Remark, value) == refusal(Annotated[str, Visible], value) == "blank"
        assert taken(Paragraphs, value) == value

    @pytest.mark.parametrize(
        "control", "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", ids=ascii
    )
    def test_direction(self, control: str) -> None:
        """What names something never changes the direction of text, not even at its ends; other text may."""
        for value in (f"a{control}b", f"{control}a", f"a{control}"):
            assert refusal(Line, value) == "bidi_control"
            assert taken(Remark, value) == taken(Paragraphs, value) == taken(Annotated[str, Visible], value) == value

    @pytest.mark.parametrize(
        "value",
        [
            "👩🏽\u200d💻",
            "می\u200cخواهم",
            "ක්\u200dෂ",
            "❤\ufe0f",
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        ],
        ids=ascii,
    )
    def test_joiners(self, value: str) -> None:
        """Joiners, selectors and tags inside words and emoji stay as they are."""
        assert taken(Line, value) == value

    def test_length_counts_what_is_kept(self) -> None:
        """A limit is one of the text without surrounding space."""
        name = Annotated[Line, StringConstraints(max_length=3)]
        assert taken(name, "  abc  ") == "abc"
        assert refusal(name, "abcd") == "too_long"
        schema = TypeAdapter(name).json_schema()
        assert (schema["minLength"], schema["maxLength"]) == (1, 3)

    @pytest.mark.parametrize("value", ["", " a ", "a\nb\r\n\tc", "a\u2028b"], ids=ascii)
    def test_paragraphs(self, value: str) -> None:
        """Text of several lines is kept as it is."""
        assert taken(Paragraphs, value) == value

    @pytest.mark.parametrize("value", ["a\x00b", "a\x0bb", "a\x85b", "\udfff"], ids=ascii)
    def test_no_paragraphs(self, value: str) -> None:
        """Other control characters are refused there too."""
        assert refusal(Paragraphs, value) in {"control_character", "string_unicode"}

    @pytest.mark.parametrize("value", [1, True, None, ["a"]], ids=str)
    def test_no_text(self, value: object) -> None:
        """What isn't text isn't made into it."""
        assert refusal(Line, value) == refusal(Paragraphs, value) == "string_type"


class TestNumbers:
    @pytest.mark.parametrize("value", [0, -1, 2**63 - 1, -(2**63)], ids=str)
    def test_whole(self, value: int) -> None:
        """Every integer that MongoDB can store is taken."""
        assert taken(WholeNumber, value) == value

    @pytest.mark.parametrize(
        "value", [True, "12", 1.5, 1e300, float("nan"), None, 2**63, -(2**63) - 1, 10**400], ids=lambda v: str(v)[:24]
    )
    def test_refused(self, value: object) -> None:
        """Nothing is made into an integer, and none is too large to be stored."""
        assert refusal(WholeNumber, value)

    def test_bounds_of_a_field(self) -> None:
        """A field's own bounds count, whether they are in its annotation or beside it."""

        class Vote(Body):
            points: WholeNumber = Field(ge=1, le=4)

        assert Vote.model_json_schema()["properties"]["points"].items() >= {"minimum": 1, "maximum": 4}.items()
        for points, code in ((0, "greater_than_equal"), (5, "less_than_equal"), (2**63, "less_than_equal")):
            assert refusal(Vote, {"points": points}) == code

    def test_ids(self) -> None:
        """An id in a body is spelt like one in an address."""
        assert taken(Id, "0123456789abcdef01234567")
        assert refusal(Id, "0123456789ABCDEF01234567") == refusal(Id, "0" * 24 + "\n") == "string_pattern_mismatch"


class TestUrl:
    @pytest.mark.parametrize(
        ("value", "kept"),
        [
            pytest.param("https://example.com/a?b=c#d", "https://example.com/a?b=c#d", id="whole"),
            pytest.param("http://example.com", "http://example.com/", id="normalised"),
            pytest.param("https://meet.example:8443/r/1", "https://meet.example:8443/r/1", id="port"),
            pytest.param("https://bücher.example/", "https://xn--bcher-kva.example/", id="idn"),
        ],
    )
    def test_taken(self, value: str, kept: str) -> None:
        """An address is kept as text, in the one spelling that it has."""
        found = taken(Url, value)
        assert (type(found), found) == (str, kept)
        assert taken(Url, found) == found

    @pytest.mark.parametrize(
        "value",
        [
            pytest.param("ftp://example.com/", id="scheme"),
            pytest.param("javascript:alert(1)", id="script"),
            pytest.param("https://", id="no_host"),
            pytest.param("/r/1", id="relative"),
            pytest.param("https://example.com/" + "x" * 2083, id="long"),
            pytest.param("https://example.com/" + "é" * 1000, id="long_once_encoded"),
            pytest.param("https://exa\x00mple.com/", id="nul"),
            pytest.param("https://exa\tmple.com/", id="tab"),
            pytest.param("https://example.com/\na", id="line_end"),
            pytest.param("https://ada:hunter2@example.com/", id="credentials"),
            pytest.param("https://ada@example.com/", id="user_name"),
            pytest.param("\ud800", id="surrogate"),
            pytest.param(1, id="number"),
            pytest.param(None, id="null"),
        ],
    )
    def test_refused(self, value: object) -> None:
        """Another scheme, no host, a password, control characters, a long address, and what is no text are refused."""
        assert refusal(Url, value)

    def test_schema(self) -> None:
        """The schema says that it is an address, and how long it may be."""
        assert TypeAdapter(Url).json_schema() == {"type": "string", "format": "uri", "maxLength": 2083}

    async def test_stored(self, core_settings: CoreSettings) -> None:
        """A body's address is stored as it is; pydantic's own `HttpUrl` would be refused by the driver."""

        class Place(Body):
            address: Url

        async with Parley([core_settings], plugins=[a_plugin("places", parley_events=[])]).running() as parley:
            places = parley.database["places"]
            place = Place.model_validate({"address": "https://example.com/r/1"})
            await places.insert_one({"_id": "p", **place.model_dump()})
            assert await places.find_one({"_id": "p"}) == {"_id": "p", "address": "https://example.com/r/1"}


class NotePatch(Patch):
    """A change of a note."""

    title: Line | MISSING = MISSING
    text: Paragraphs | MISSING | None = MISSING


class TestPatch:
    def test_given_fields(self) -> None:
        """Only what was sent is a change; null clears what may be cleared."""
        assert NotePatch.model_validate({}).given() == {}
        assert NotePatch.model_validate({"title": " t ", "text": None}).given() == {"title": "t", "text": None}

    def test_what_can_not_be_cleared(self) -> None:
        """Null for another field is an error of that field, as any wrong value is."""
        assert refusal(NotePatch, {"title": None}) == "string_type"
        with pytest.raises(ValidationError) as failure:
            NotePatch.model_validate({"title": None, "text": 1})
        assert [error["loc"] for error in failure.value.errors()] == [("title",), ("text",)]

    def test_unknown_field(self) -> None:
        """A change of something else is refused."""
        assert refusal(NotePatch, {"rev": 1}) == "extra_forbidden"

    def test_schema(self) -> None:
        """The schema offers null only where it clears, and no default: left out is not null."""
        properties = NotePatch.model_json_schema()["properties"]
        assert properties["title"] == {"title": "Title", "type": "string", "pattern": LINE, "minLength": 1}
        assert properties["text"]["anyOf"] == [{"type": "string", "pattern": PARAGRAPHS}, {"type": "null"}]
        assert "default" not in properties["text"]


class TestModels:
    def test_body(self) -> None:
        """A body refuses unknown fields and numbers that are none."""

        class Measure(Body):
            size: float

        assert refusal(Measure, {"size": 1, "unit": "m"}) == "extra_forbidden"
        assert refusal(Measure, {"size": float("inf")}) == "finite_number"

    def test_representation(self) -> None:
        """An answer is made of a model's attributes, and of no more than it names."""

        class Shown(Representation):
            title: str

        class Stored:
            title = "t"
            secret = "hunter2"

        assert Shown.model_validate(Stored()).model_dump() == {"title": "t"}


class TestPatterns:
    """What the OpenAPI document says of a type is what the type accepts, as far as a pattern can say it."""

    ACCEPTED: ClassVar = {
        "line": ["Ada", " Ada\u00a0", "e\u0301", "山田", "👩‍👩‍👧", "o'Brien", "x" * 300],
        "remark": ["Ada", "\u202eAda"],
        "paragraphs": ["", "\n", "a\tb\r\nc"],
        "instant": ["2027-03-01T09:30:00Z", "2000-01-01t00:00z", "2100-12-31T23:59:59.123456789+00:00"],
        "words": ["ada", "Ümit", "山田", "الكندي", "7"],
    }
    REFUSED: ClassVar = {
        "line": ["", " ", "\t", "a\nb", "a\x00b", "a\x85b", "a\u2028b", "\u202eAda", "a\u2066b", "\u200b", "\u0301"],
        "remark": ["", " ", "a\nb", "\u200d", "\u2800"],
        "paragraphs": ["a\x00b", "a\x1bb", "a\x85b"],
        "instant": [
            "1999-12-31T23:59:59Z",
            "2101-01-01T00:00:00Z",
            "2027-13-01T00:00Z",
            "2027-03-01T24:00Z",
            "2027-03-01",
        ],
        "words": ["", " ", "...", "§", "→"],
    }
    TYPES: ClassVar[dict[str, Any]] = {
        "line": Line,
        "remark": Remark,
        "paragraphs": Paragraphs,
        "instant": Instant,
        "words": SearchText,
    }

    @pytest.mark.parametrize("kind", TYPES)
    def test_agree(self, kind: str) -> None:
        """The pattern and the validator decide alike."""
        adapter = TypeAdapter(self.TYPES[kind])
        pattern = re.compile(adapter.json_schema()["pattern"])
        for text in self.ACCEPTED[kind]:
            assert pattern.search(text), text
            adapter.validate_python(text)
        for text in self.REFUSED[kind]:
            assert not pattern.search(text), text
            with pytest.raises(ValidationError):
                adapter.validate_python(text)

    def test_sort_orders(self) -> None:
        """A sort order names each key once, in any order and direction; a single key needs no more."""
        pattern = re.compile(sort_orders("created_at", "title")["pattern"])
        assert all(map(pattern.search, ["title", "-created_at", "title,-created_at", "-created_at,title"]))
        refused = ["", "x", "title,", "title,title", "title,-title", "--title", "titles", "title title"]
        assert not any(map(pattern.search, refused))
        assert sort_orders("seq") == {"pattern": "^-?(seq)$"}

    def test_bounds_of_whole_numbers(self) -> None:
        """A number that is written with a fraction of zero is whole, and keeps its field's bounds."""

        class Count(Body):
            count: WholeNumber = Field(ge=1, le=4)

        assert Count.model_validate({"count": 4.0}).count == 4
        for count in (5.0, 0, 1.5, True, "2"):
            with pytest.raises(ValidationError):
                Count.model_validate({"count": count})

"""The building blocks of what goes over the wire."""

import re
import unicodedata
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Annotated, Any, Self, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    HttpUrl,
    ModelWrapValidatorHandler,
    Strict,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

from parley_core.clock import to_milliseconds
from parley_core.data.ids import ID_PATTERN
from parley_core.http.patterns import INSTANT, LINE, PARAGRAPHS, REMARK, WORD, Shown
from parley_core.visible import changes_direction, is_visible
from parley_core.words import words_of

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)")
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
_MAX_URL = 2083
_MOST_ERRORS = 100
_URL = TypeAdapter(HttpUrl)
# Unicode's categories: control characters and lone surrogates, line and paragraph separators.
_CONTROLS, _LINE_ENDS = frozenset({"Cc", "Cs"}), frozenset({"Zl", "Zp"})


class Body(BaseModel):
    """A request body: unknown fields are refused, and so is 1e400, which is infinite.

    Of more than 100 errors none is reported but that: to describe each costs more than to find it.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @model_validator(mode="wrap")
    @classmethod
    def _with_few_errors(cls, value: Any, validate: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return validate(value)
        except ValidationError as error:
            if error.error_count() <= _MOST_ERRORS:
                raise
            raise PydanticCustomError(
                "too_many_errors", "Has more than {most} errors", {"most": _MOST_ERRORS}
            ) from None


class Patch(Body):
    """A change of some fields; those left out stay.

    A field is declared `T | MISSING = MISSING`, or `T | MISSING | None = MISSING` where null clears it.
    """

    def given(self) -> dict[str, Any]:
        """Return the fields that were sent, with their values."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Representation(BaseModel):
    """An answer."""

    model_config = ConfigDict(from_attributes=True)


def _spelt_as_rfc3339(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, str) and _RFC3339.fullmatch(value)):
        return value
    if isinstance(value, str) and _RFC3339.fullmatch("+".join(value.rsplit(" ", 1))):
        raise PydanticCustomError("instant", "Has a space before its offset: in an address, send + as %2B")
    raise PydanticCustomError("instant", "Must be an RFC 3339 date and time with an offset, like 2027-03-01T09:30:00Z")


def _stored(value: datetime) -> datetime:
    # The ends of the calendar can't be moved to UTC.
    instant = to_milliseconds(value) if value.tzinfo and MINYEAR < value.year < MAXYEAR else value
    if instant.tzinfo is None or not _FIRST_YEAR <= instant.year <= _LAST_YEAR:
        raise PydanticCustomError("instant_range", "Must be between the years 2000 and 2100 and have an offset")
    return instant


def _without(categories: frozenset[str], *, allowed: str = "") -> AfterValidator:
    def check(text: str) -> str:
        if any(unicodedata.category(c) in categories and c not in allowed for c in text):
            raise PydanticCustomError("control_character", "Must not contain control characters")
        return text

    return AfterValidator(check)


def _seen(text: str) -> str:
    if not is_visible(text):
        raise PydanticCustomError("blank", "Must have at least one visible character")
    return text


def _without_bidi_controls(text: str) -> str:
    if changes_direction(text):
        raise PydanticCustomError("bidi_control", "Must not contain characters that change the direction of text")
    return text


def _with_words(text: str) -> str:
    if not words_of(text):
        raise PydanticCustomError("words", "Must contain a letter or a digit")
    return text


def _checked_url(text: str) -> str:
    url = _URL.validate_python(text)
    if url.username is not None or url.password is not None:
        raise PydanticCustomError("url_credentials", "Must not contain a user name or a password")
    # Other letters than those of ASCII take more room once they are encoded.
    if len(str(url)) > _MAX_URL:
        raise PydanticCustomError("url_too_long", "Must have at most 2083 characters once it is encoded")
    return str(url)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Storable:
    """The bounds of what MongoDB can store; a field's own replace them: `x: WholeNumber = Field(ge=1)`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return cast("CoreSchema", {"ge": -(2**63), "le": 2**63 - 1, **handler(source)})


Instant = Annotated[datetime, BeforeValidator(_spelt_as_rfc3339), AfterValidator(_stored), Shown({"pattern": INSTANT})]
"""An RFC 3339 instant with an offset, years 2000 to 2100; kept in UTC at millisecond precision."""

Visible = AfterValidator(_seen)
"""In `Annotated[str, Visible]`: of the text something can be seen, as `parley_core.visible.is_visible` finds it."""

Remark = Annotated[
    str,
    _without(_CONTROLS | _LINE_ENDS),
    AfterValidator(str.strip),
    Visible,
    Shown({"pattern": REMARK, "minLength": 1}),
]
"""One line of somebody's own words: no control characters, surrounding space removed, not blank."""

Line = Annotated[Remark, AfterValidator(_without_bidi_controls), Shown({"pattern": LINE})]
"""One line that names something, such as a title: a `Remark` without characters that change the direction of text.

Those could make a name look like another one, or turn the text around it.
"""

Paragraphs = Annotated[str, _without(_CONTROLS, allowed="\n\r\t"), Shown({"pattern": PARAGRAPHS})]
"""Text of several lines without other control characters."""

Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
"""An identifier as `parley_core.new_id()` makes it."""

SearchText = Annotated[str, StringConstraints(max_length=200), AfterValidator(_with_words), Shown({"pattern": WORD})]
"""What somebody looks for: at most 200 characters with a word among them, as `parley_core.words.words_of` finds it."""

Url = Annotated[
    str,
    StringConstraints(max_length=_MAX_URL),
    _without(_CONTROLS | _LINE_ENDS),
    AfterValidator(_checked_url),
    WithJsonSchema({"type": "string", "format": "uri", "maxLength": _MAX_URL}),
]
"""An http or https address, kept as text in its normal form: `https://Meet.example` becomes `https://meet.example/`.

It contains no user name and no password. MongoDB can't store pydantic's own `HttpUrl`.
"""

WholeNumber = Annotated[int, Strict(), _Storable(), BeforeValidator(_whole)]
"""An integer that MongoDB can store. JSON has one kind of number, so `12.0` is 12; neither `true` nor `"12"` is one."""

"""Patterns of texts for the OpenAPI document: what the validators of `schemas` accept, in a regular expression.

They are written for ECMAScript without its flag `u` and for Python alike, so that characters beyond the first plane
aren't told apart. Where a pattern can't be exact, it accepts less than the server does.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

_CONTROLS = r"\u0000-\u001f\u007f-\u009f"
_LINE_ENDS = r"\u2028\u2029"
_PARAGRAPH_CONTROLS = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"
_BIDI_CONTROLS = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# Spaces, controls, marks that stand on another character, and what has no glyph; see `parley_core.visible`.
_UNSEEN = (
    rf"\s{_CONTROLS}\u00ad\u0300-\u036f\u0483-\u0489\u0591-\u0605\u0610-\u061c\u064b-\u065f\u115f\u1160\u17b4\u17b5"
    r"\u180b-\u180f\u200b-\u200f\u2028-\u202f\u205f-\u206f\u20d0-\u20ff\u2800\u3000\u3164\ufdd0-\ufdef\ufe00-\ufe0f"
    r"\ufe20-\ufe2f\ufeff\uffa0\ufff0-\uffff"
)
_OFFSET = r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
VISIBLE = rf"[^{_UNSEEN}]"
# ASCII, Latin, Greek, Cyrillic, kana, Han and Hangul, of which no range contains a mark; other scripts have some.
ALL_VISIBLE = (
    r"^[!-~\u00a1-\u00ac\u00ae-\u02ff\u0391-\u03ff\u0400-\u0482\u048a-\u052f\u3041-\u3096\u309b-\u30ff\u4e00-\u9fff"
    r"\uac00-\ud7a3]+$"
)
REMARK = rf"^[^{_CONTROLS}{_LINE_ENDS}]*[^{_UNSEEN}][^{_CONTROLS}{_LINE_ENDS}]*$"
LINE = rf"^[^{_CONTROLS}{_LINE_ENDS}{_BIDI_CONTROLS}]*[^{_UNSEEN}][^{_CONTROLS}{_LINE_ENDS}{_BIDI_CONTROLS}]*$"
PARAGRAPHS = rf"^[^{_PARAGRAPH_CONTROLS}]*$"
VISIBLE_PARAGRAPHS = rf"^[^{_PARAGRAPH_CONTROLS}]*[^{_UNSEEN}][^{_PARAGRAPH_CONTROLS}]*$"
# Letters and digits: all that isn't ASCII but general punctuation, symbols and what is for private use.
WORD = r"[0-9A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u0370-\u1fff\u2c00-\u2dff\u3005-\ud7ff\uf900-\ufaff]"
INSTANT = (
    r"^(20[0-9]{2}|2100)-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]"
    rf"(:[0-5][0-9](\.[0-9]{{1,9}})?)?{_OFFSET}$"
)


@dataclass(frozen=True, eq=False)
class Shown:
    """Marks a type with what its JSON schema has besides: `Annotated[str, ..., Shown({"pattern": LINE})]`."""

    schema: dict[str, Any]

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {**handler(core), **self.schema}


def sort_orders(*keys: str) -> dict[str, Any]:
    """Return the schema of a list's parameter `sort`: keys with commas between, each once, `-` for descending."""
    key = "|".join(keys)
    once = r"(?!.*\b(\w+)\b.*\b\1\b)" if len(keys) > 1 else ""
    more = rf"(,-?({key}))*" if len(keys) > 1 else ""
    return {"pattern": f"^{once}-?({key}){more}$"}

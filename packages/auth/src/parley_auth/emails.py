"""E-mail addresses: how they are checked, and the one spelling under which they are stored and compared."""

from typing import Annotated

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

_MAX_LENGTH = 254
# What comes after the last dot of addresses that nobody can have, in either case.
_RESERVED = "|".join("".join(f"[{c}{c.upper()}]" for c in name) for name in SPECIAL_USE_DOMAIN_NAMES if name.isalpha())
_PATTERN = rf"^(?!.*[@.]({_RESERVED})\s*$)\s*[^\s@]{{1,64}}@([^\s@.]{{1,63}}\.)+[^\s@.]*[^\s@.0-9][^\s@.]*\s*$"


def normalised(email: str) -> str:
    """Return the spelling under which an e-mail is stored: no surrounding space, lower case, one Unicode form.

    Letters are not folded: `straße@` and `strasse@` are different mailboxes. A malformed e-mail gets a spelling too;
    no account has it.
    """
    email = email.strip()
    try:
        return _checked(email) if len(email) <= _MAX_LENGTH else email
    except PydanticCustomError:
        return email.lower()


def _checked(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        raise PydanticCustomError("email", "Must be an e-mail address") from None


def _stripped(value: object) -> object:
    if not isinstance(value, str):
        raise PydanticCustomError("string_type", "Must be a string")
    return value.strip()


Email = Annotated[
    str,
    StringConstraints(max_length=_MAX_LENGTH),
    AfterValidator(_checked),
    BeforeValidator(_stripped),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": _MAX_LENGTH, "pattern": _PATTERN}),
]
"""An e-mail address in its stored spelling."""

"""E-mail addresses: how they are checked, and the one spelling under which they are stored and compared."""

from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

_MAX_LENGTH = 254


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
    WithJsonSchema({"type": "string", "format": "email", "maxLength": _MAX_LENGTH}),
]
"""An e-mail address in its stored spelling."""

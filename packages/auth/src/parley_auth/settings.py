"""The settings of auth."""

from typing import Annotated, Literal

from parley_core import Settings
from pydantic import AfterValidator, EmailStr, Field, SecretStr


_MIN_SECRET_BYTES = 32
_MIN_DISTINCT = 10
_PLACEHOLDERS = ("secret", "change", "password", "example", "default")


def _strong(secret: SecretStr | None) -> SecretStr | None:
    text = secret.get_secret_value() if secret else ""
    if secret and (len(text.encode()) < _MIN_SECRET_BYTES or len(set(text)) < _MIN_DISTINCT):
        raise ValueError(f"is weak: it needs {_MIN_SECRET_BYTES} random bytes or more, all letters different enough")
    if any(word in text.lower() for word in _PLACEHOLDERS):
        raise ValueError("looks like a placeholder: it needs random text")
    return secret


class AuthSettings(Settings):
    """How accounts, passwords and tokens are handled."""

    auth_registration: Literal["open", "closed"] = Field("open", description="Whether anyone may register.")
    hide_existence: bool = Field(False, description="Answer strangers 404 instead of 403.")
    password_min_length: int = Field(8, ge=8, le=64)
    jwt_secret: Annotated[SecretStr | None, AfterValidator(_strong)] = Field(
        None, description="Signs access tokens: 32 random bytes or more. Only an embedded database makes its own."
    )
    access_token_minutes: int = Field(10, ge=1, le=60)
    admin_email: EmailStr | None = Field(None, description="The first administrator, made where none exists.")
    admin_password: SecretStr | None = None

"""The settings of auth."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo

from parley_auth.accounts.schemas import Email
from parley_auth.tokens.keys import check_secret, parse_keys
from parley_core import Settings


def _strong(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None:
        check_secret(secret.get_secret_value().encode())
    return secret


def _paired(password: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
    # An e-mail that was refused is missing here, and has been complained of.
    if "admin_email" in info.data and (info.data["admin_email"] is None) != (password is None):
        raise ValueError("goes together with PARLEY_ADMIN_EMAIL: set both or neither")
    return password


def _usable(keys: SecretStr | None) -> SecretStr | None:
    if keys is not None:
        parse_keys(keys.get_secret_value())
    return keys


class AuthSettings(Settings):
    """How accounts, passwords and tokens are handled."""

    auth_registration: Literal["open", "closed"] = Field("open", description="Whether anyone may register.")
    hide_existence: bool = Field(default=False, description="Answer strangers 404 instead of 403.")
    password_min_length: int = Field(8, ge=8, le=64)
    jwt_secret: Annotated[SecretStr | None, AfterValidator(_strong)] = Field(
        None, description="Signs access tokens: 32 random bytes or more. Only an embedded database makes its own."
    )
    jwt_keys: Annotated[SecretStr | None, AfterValidator(_usable)] = Field(
        None, description="A JWK Set of several keys for rotation: the first signs, all verify; `parley make-key`."
    )
    access_token_minutes: int = Field(10, ge=1, le=60)
    admin_email: Email | None = Field(None, description="The first administrator, made where none exists.")
    admin_password: Annotated[SecretStr | None, AfterValidator(_paired)] = Field(
        None, description="His password.", validate_default=True
    )

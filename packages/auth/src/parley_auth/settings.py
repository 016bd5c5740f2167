"""The settings of auth."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo

from parley_auth.emails import Email
from parley_auth.signing.key_ring import check_secret, parse_keys
from parley_core import Settings


def _strong(secret: SecretStr | None) -> SecretStr | None:
    if secret is not None:
        check_secret(secret.get_secret_value().encode())
    return secret


def _paired(password: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
    # A refused e-mail is missing here, and has its own message.
    if "admin_email" in info.data and (info.data["admin_email"] is None) != (password is None):
        raise ValueError("goes together with PARLEY_ADMIN_EMAIL: set both or neither")
    return password


def _usable(keys: SecretStr | None) -> SecretStr | None:
    if keys is not None:
        parse_keys(keys.get_secret_value())
    return keys


class AuthSettings(Settings):
    """How accounts, passwords and tokens are handled."""

    auth_registration: Literal["open", "closed"] = Field("open", description="Whether anyone may register an account.")
    registrations_per_hour: int = Field(
        120,
        ge=0,
        le=10_000,
        description="Registrations per network and hour, of IPv6 per /48; 0 for no limit. This machine and private "
        "networks have none.",
    )
    assign_unverified: bool = Field(
        default=True, description="Whether accounts whose e-mail was never proved may be assigned by e-mail."
    )
    hide_existence: bool = Field(default=False, description="Answer non-participants 404 instead of 403.")
    password_min_length: int = Field(8, ge=8, le=64, description="The minimum length of a password, 8 to 64.")
    jwt_secret: Annotated[SecretStr | None, AfterValidator(_strong)] = Field(
        None,
        description="Signs access tokens: at least 32 random bytes. Only an embedded database generates its own.",
    )
    jwt_keys: Annotated[SecretStr | None, AfterValidator(_usable)] = Field(
        None,
        description="A JWK Set of several keys for rotation: the first signs, all verify; see `parley make-key`.",
    )
    access_token_minutes: int = Field(
        10, ge=1, le=60, description="The lifetime of an access token in minutes, 1 to 60."
    )
    refresh_grace_seconds: int = Field(
        0,
        ge=0,
        le=60,
        description="How many seconds a spent refresh token gets the same successor again, 0 to 60, without an "
        "`Idempotency-Key` too; whoever steals the token has this time as well.",
    )
    admin_email: Email | None = Field(
        None, description="E-mail of the first administrator, who is created when there is none."
    )
    admin_password: Annotated[SecretStr | None, AfterValidator(_paired)] = Field(
        None, description="Password of the first administrator.", validate_default=True
    )

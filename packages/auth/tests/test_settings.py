"""The settings of auth, as the environment gives them."""

import pytest

import parley_auth.plugin
from parley_auth.settings import AuthSettings
from parley_core import Parley, StartupError


def refusal() -> str:
    with pytest.raises(StartupError) as caught:
        Parley(plugins=[parley_auth.plugin])
    return str(caught.value)


def test_defaults() -> None:
    """By default registration is open, strangers get 403, and a token is valid for ten minutes."""
    settings = Parley(plugins=[parley_auth.plugin]).settings(AuthSettings)
    assert (settings.auth_registration, settings.hide_existence) == ("open", False)
    assert settings.registrations_per_hour == 120
    assert (settings.password_min_length, settings.access_token_minutes) == (8, 10)
    assert (settings.jwt_secret, settings.admin_email, settings.admin_password) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PARLEY_AUTH_REGISTRATION", "maybe"),
        ("PARLEY_PASSWORD_MIN_LENGTH", "7"),
        ("PARLEY_PASSWORD_MIN_LENGTH", "65"),
        ("PARLEY_ACCESS_TOKEN_MINUTES", "0"),
        ("PARLEY_ACCESS_TOKEN_MINUTES", "61"),
        ("PARLEY_HIDE_EXISTENCE", "perhaps"),
        ("PARLEY_REGISTRATIONS_PER_HOUR", "-1"),
        ("PARLEY_REGISTRATIONS_PER_HOUR", "10001"),
    ],
)
def test_out_of_range(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A value out of range stops the start, and the message names the setting."""
    monkeypatch.setenv(name, value)
    assert refusal().startswith(f"settings: {name}: ")


@pytest.mark.parametrize(
    ("name", "value"), [("PARLEY_ADMIN_EMAIL", "root@example.com"), ("PARLEY_ADMIN_PASSWORD", "qxz7!qxz7!")]
)
def test_half_an_administrator(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """An e-mail without a password, or the other way round, stops the start."""
    monkeypatch.setenv(name, value)
    assert "PARLEY_ADMIN_PASSWORD: " in refusal()
    assert "goes together with PARLEY_ADMIN_EMAIL: set both or neither" in refusal()
    assert "qxz7!" not in refusal()


def test_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All problems are reported in one message, which shows no secret."""
    monkeypatch.setenv("PARLEY_ADMIN_EMAIL", "nobody")
    monkeypatch.setenv("PARLEY_ADMIN_PASSWORD", "qxz7!qxz7!")
    monkeypatch.setenv("PARLEY_JWT_SECRET", "qxz7!")
    monkeypatch.setenv("PARLEY_ACCESS_TOKEN_MINUTES", "never")
    message = refusal()
    for name in ("PARLEY_ADMIN_EMAIL", "PARLEY_JWT_SECRET", "PARLEY_ACCESS_TOKEN_MINUTES"):
        assert f"{name}: " in message
    assert "PARLEY_ADMIN_PASSWORD: " not in message
    assert "qxz7!" not in message

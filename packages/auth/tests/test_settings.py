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
    """Without any setting registration is open, strangers are told so, and a token is good for ten minutes."""
    settings = Parley(plugins=[parley_auth.plugin]).settings(AuthSettings)
    assert (settings.auth_registration, settings.hide_existence) == ("open", False)
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
    ],
)
def test_out_of_range(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A setting that can't be is named."""
    monkeypatch.setenv(name, value)
    assert refusal().startswith(f"settings: {name}: ")


@pytest.mark.parametrize(
    ("name", "value"), [("PARLEY_ADMIN_EMAIL", "root@example.com"), ("PARLEY_ADMIN_PASSWORD", "qxz7!qxz7!")]
)
def test_half_an_administrator(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """An e-mail without a password, or the other way round, would silently make nobody: the start stops."""
    monkeypatch.setenv(name, value)
    assert "PARLEY_ADMIN_PASSWORD: " in refusal()
    assert "goes together with PARLEY_ADMIN_EMAIL: set both or neither" in refusal()
    assert "qxz7!" not in refusal()


def test_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every problem is told in one message, and no secret in any."""
    monkeypatch.setenv("PARLEY_ADMIN_EMAIL", "nobody")
    monkeypatch.setenv("PARLEY_ADMIN_PASSWORD", "qxz7!qxz7!")
    monkeypatch.setenv("PARLEY_JWT_SECRET", "qxz7!")
    monkeypatch.setenv("PARLEY_ACCESS_TOKEN_MINUTES", "never")
    told = refusal()
    for name in ("PARLEY_ADMIN_EMAIL", "PARLEY_JWT_SECRET", "PARLEY_ACCESS_TOKEN_MINUTES"):
        assert f"{name}: " in told
    assert "PARLEY_ADMIN_PASSWORD: " not in told
    assert "qxz7!" not in told

"""Signatures that the libraries of Standard Webhooks accept."""

import base64
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook, WebhookVerificationError

from parley_webhooks.transport.signing import new_secret, signed

BODY = '{"id": "interview:1:2", "name": "Zoë"}'.encode()


def test_secret() -> None:
    """A secret has the prefix of the standard and 32 random bytes."""
    secrets = {new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert all(secret.startswith("whsec_") for secret in secrets)
    assert {len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) for secret in secrets} == {32}


def test_known_signature() -> None:
    """The example of the standard's own description has the signature that is printed there."""
    headers = signed(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        at=datetime.fromtimestamp(1614265330, UTC),
        body=b'{"test": 2432232314}',
    )
    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=9)), timezone(-timedelta(hours=7))], ids=str)
def test_each_secret_verifies(zone: timezone) -> None:
    """With several secrets each verifies by itself, in whichever zone the instant is given; another doesn't."""
    secrets = [new_secret(), new_secret()]
    headers = signed(secrets, message_id="interview:1:2", at=datetime.now(zone), body=BODY)
    assert headers["webhook-signature"].count(" ") == 1
    for secret in secrets:
        assert Webhook(secret).verify(BODY, headers) == {"id": "interview:1:2", "name": "Zoë"}
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(BODY, headers)


@pytest.mark.parametrize("change", [{"webhook-id": "interview:1:3"}, {"webhook-timestamp": "1"}, None], ids=str)
def test_changed(change: dict[str, str] | None) -> None:
    """Another id, instant or body doesn't verify."""
    secret = new_secret()
    headers = signed([secret], message_id="interview:1:2", at=datetime.now(UTC), body=BODY)
    body = BODY if change else BODY + b" "
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body, headers | (change or {}))


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_body(text: str) -> None:
    """Any text in UTF-8 verifies."""
    secret, body = new_secret(), text.encode()
    headers = signed([secret], message_id="a", at=datetime.now(UTC), body=body)
    Webhook(secret).verify(body, headers, json_parse=False)

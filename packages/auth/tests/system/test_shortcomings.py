"""What is found to be badly set, and where it doesn't matter."""

from dataclasses import replace

import pytest

from parley_auth.system.shortcomings import Situation, shortcomings

LOCAL = Situation(
    public_url=None,
    scheme="http",
    host="127.0.0.1:8000",
    registration_open=True,
    docs=True,
    embedded=True,
    unknown=(),
)
SOUND = replace(
    LOCAL, public_url="https://parley.example.com", registration_open=False, docs=False, embedded=False, scheme="https"
)


def codes(situation: Situation) -> list[str]:
    return [one.code for one in shortcomings(situation)]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.8.8.8:80", "localhost", "LOCALHOST:8000", "app.localhost", "[::1]", "[::1]:8000"]
)
def test_on_this_machine_all_is_well(host: str) -> None:
    """The plain start is not scolded."""
    assert codes(replace(LOCAL, host=host)) == []


@pytest.mark.parametrize(
    "host", ["parley.example.com", "192.168.1.5:8000", "[2001:db8::1]", "localhost.example.com", "", "[:::]", "a:b:c"]
)
def test_all_defaults_in_public(host: str) -> None:
    """Where others come, each default that is made for trying it out is named."""
    expected = ["plain_http", "public_url_missing", "database_embedded", "registration_open", "docs_open"]
    assert codes(replace(LOCAL, host=host)) == expected


def test_nothing_is_wrong() -> None:
    assert codes(SOUND) == []


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (replace(SOUND, public_url="http://parley.example.com"), "plain_http"),
        (replace(SOUND, public_url=None, host="parley.example.com"), "public_url_missing"),
        (replace(SOUND, embedded=True), "database_embedded"),
        (replace(SOUND, registration_open=True), "registration_open"),
        (replace(SOUND, docs=True), "docs_open"),
        (replace(SOUND, unknown=[("PARLEY_DOC", "did you mean PARLEY_DOCS?")]), "setting_unknown"),
        (replace(LOCAL, unknown=[("PARLEY_DOC", "did you mean PARLEY_DOCS?")]), "setting_unknown"),
    ],
)
def test_each_alone(changed: Situation, code: str) -> None:
    """Each is found without the others, and a wrong name on this machine too."""
    assert codes(changed) == [code]


def test_the_public_address_decides() -> None:
    """Behind a proxy the host of a request says nothing."""
    assert codes(replace(SOUND, host="127.0.0.1:8000", scheme="http")) == []
    assert codes(replace(LOCAL, public_url="http://localhost:8000", host="parley.example.com")) == []

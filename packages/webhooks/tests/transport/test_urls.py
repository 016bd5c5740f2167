"""The form of a webhook's url."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from parley_webhooks.errors import WebhookUrlRefused
from parley_webhooks.transport.urls import checked_url


@pytest.mark.parametrize(
    ("url", "checked"),
    [
        ("https://hooks.example.com/a?b=c", "https://hooks.example.com/a?b=c"),
        ("HTTPS://Hooks.Example.COM:8443", "https://hooks.example.com:8443"),
        ("https://bücher.example/ä b", "https://xn--bcher-kva.example/%C3%A4%20b"),
        ("https://my_receiver-1.example./", "https://my_receiver-1.example./"),
        ("https://203.0.113.9/x", "https://203.0.113.9/x"),
        ("https://[2001:db8::1]:9/", "https://[2001:db8::1]:9/"),
        ("https://h.example/a@b", "https://h.example/a@b"),
    ],
    ids=["plain", "upper case", "not ASCII", "underscore and dot", "IPv4", "IPv6", "at sign in the path"],
)
def test_accepted(url: str, checked: str) -> None:
    """An https address is returned as it will be sent, and once checked it stays as it is."""
    assert checked_url(url) == checked
    assert checked_url(checked) == checked


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://h.example/", "starts with https"),
        ("ftp://h.example/", "starts with https"),
        ("//h.example/", "starts with https"),
        ("https:h.example/", "starts with https"),
        (" https://h.example/", "starts with https"),
        ("", "starts with https"),
        ("https://user@h.example/", "neither user name"),
        ("https://user:secret@h.example/", "neither user name"),
        ("https://@h.example/", "neither user name"),
        ("https://h.example\\@other.example/", "neither user name"),
        ("https://h.example/#part", "nor fragment"),
        ("https://h.example/#", "nor fragment"),
        ("https://", "has a host"),
        ("https:///path", "has a host"),
        ("https://?query", "has a host"),
        ("https://.", "has a host"),
        ("https://a..b/", "has a host"),
        ("https://exa mple.com/", "has a host"),
        ("https://h.example\n/", "has a host"),
        ("https://h.example\\x/", "has a host"),
        ("https://%31%32%37.0.0.1/", "has a host"),
        ("https://" + "a" * 64 + ".example/", "has a host"),
        ("https://" + "a." * 127 + "example/", "has a host"),
        ("https://xn--a.example/", "has a host"),
        ("https://\ud800.example/", "has a host"),
        ("https://[::1/", "has a host"),
        ("https://::1/", "has a host"),
        ("https://::ffff:10.0.0.1", "has a host"),
        ("https://[fe80::1%25eth0]/", "has a host"),
        ("https://[fe80::1%eth0]/", "has a host"),
        ("https://h.example:0/", "port from 1"),
        ("https://h.example:65536/", "port from 1"),
        ("https://h.example:x/", "port from 1"),
        ("https://h.example/" + "a" * 2031, "at most 2048"),
        ("https://h.example/" + "ä" * 1000, "at most 2048"),
    ],
    ids=range(35),
)
def test_refused(url: str, rule: str) -> None:
    """Any other url is refused with the rule that it breaks, without repeating it."""
    with pytest.raises(WebhookUrlRefused, match=rule) as caught:
        checked_url(url)
    assert len(url) < 10 or url not in caught.value.detail


@given(st.text() | st.text().map("https://".__add__))
@example("https://[")
@example("https://[::1]]/")
@example("https://1.1.1.1:٣/")
def test_any_text(text: str) -> None:
    """Whatever the text is, it is refused, or it is checked and stays as it is when it is checked again."""
    try:
        checked = checked_url(text)
    except WebhookUrlRefused:
        return
    assert checked_url(checked) == checked
    assert checked.isascii()

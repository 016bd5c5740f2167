"""Hosts and base addresses, as RFC 3986 spells them."""

import pytest

from parley_core.http.hosts import is_base_url, is_host
from parley_core.kernel.settings import CoreSettings

HOSTS = (
    "example.com",
    "example.com:8000",
    "localhost",
    "127.0.0.1:80",
    "[::1]",
    "[::1]:8000",
    "[v1.fe:a]",
    "a%20b",
    "a_b!",
)
NO_HOSTS = (
    "", ":80", "a b", "a/b", "a?b", "a#b", "a@b", "a>b", "a<b", 'a"b', "a\\b", "a:b", "a:", "a:123456", "a:80:80",
    "[::1", "::1", "[g::1]", "[]", "a%2", "a%zz", "a\r\nb", "a\n", "a\0", "ä", "a^b", "a`b", "a{b}", "a|b",
)  # fmt: skip
BASES = (
    "https://api.example.com",
    "http://a:8000",
    "https://example.com/parley",
    "https://[::1]/a/b%20c/",
    "http://a/",
)
NO_BASES = (
    "example.com", "//example.com", "ftp://example.com", "data:x", "https://", "https:///a", "https://u@a",
    "https://u:p@a", "https://a?b", "https://a/?b", "https://a#b", "https://a/#", "https://a b", "https://a/ b",
    "https://a:99999", "https://a:0",
    "https://a/>", 'https://a/"', "https://a\n", "https://a/\r\nX: y", "https://ä", "https://[::g]", " https://a",
)  # fmt: skip


class TestHosts:
    @pytest.mark.parametrize("host", HOSTS)
    def test_host(self, host: str) -> None:
        """Names, addresses and ports are hosts."""
        assert is_host(host.encode())

    @pytest.mark.parametrize("text", NO_HOSTS)
    def test_other(self, text: str) -> None:
        """Nothing else is one."""
        assert not is_host(text.encode())


class TestBases:
    @pytest.mark.parametrize("url", BASES)
    def test_base(self, url: str) -> None:
        """A setting keeps it without a slash at its end."""
        assert is_base_url(url)
        assert CoreSettings(public_url=url).public_url == url.rstrip("/")

    @pytest.mark.parametrize("text", NO_BASES)
    def test_other(self, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nothing else is taken, and the message doesn't repeat it."""
        assert not is_base_url(text)
        with pytest.raises(ValueError, match="must be an address such as") as refused:
            CoreSettings(public_url=text)
        assert repr(text) not in str(refused.value)

"""Variables that look like settings: near names are suggested, and only near ones."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import pytest

from parley_core import Settings
from parley_core.kernel.settings import CoreSettings, PluginSettings
from parley_core.kernel.unknown_settings import nearest, unknown_settings, warn_of

_TABLE = "is set but no setting has that name; all settings are in the table of docs/deploying.md"
_KNOWN = (
    "PARLEY_ACCESS_TOKEN_MINUTES",
    "PARLEY_ADMIN_EMAIL",
    "PARLEY_ADMIN_PASSWORD",
    "PARLEY_BODY_BYTES",
    "PARLEY_BODY_SECONDS",
    "PARLEY_CACHE_ENABLED",
    "PARLEY_CACHE_MAX_BYTES",
    "PARLEY_CACHE_STATUS",
    "PARLEY_DATA_DIR",
    "PARLEY_DOCS",
    "PARLEY_HEADER_BYTES",
    "PARLEY_HEADER_SECONDS",
    "PARLEY_JWT_KEYS",
    "PARLEY_JWT_SECRET",
    "PARLEY_JWT_SECRET_FILE",
    "PARLEY_LISTEN_HOST",
    "PARLEY_LISTEN_PORT",
    "PARLEY_LISTEN_WORKERS",
    "PARLEY_MONGOD",
    "PARLEY_MONGODB_DATABASE",
    "PARLEY_MONGODB_POOL_SIZE",
    "PARLEY_MONGODB_URI",
    "PARLEY_PASSWORD_MIN_LENGTH",
    "PARLEY_PLUGINS",
    "PARLEY_STREAMS_PER_USER",
    "PARLEY_STREAMS_PER_WORKER",
    "PARLEY_TRUSTED_PROXIES",
    "PARLEY_WRITE_SECONDS",
)


class ServerSettings(Settings):
    """Settings of an imaginary server."""

    mistaken_names: ClassVar[Mapping[str, str]] = {"PARLEY_PORT": "PARLEY_LISTEN_PORT"}

    listen_port: int = 8000
    note_secret: str = ""


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what is warned of."""
    caplog.clear()
    warn_of(unknown_settings([PluginSettings, CoreSettings, ServerSettings]))
    return [m for name, level, m in caplog.record_tuples if (name, level) == ("parley.settings", logging.WARNING)]


class TestNearest:
    @pytest.mark.parametrize(
        ("name", "meant"),
        [
            ("ADMIN_MAIL", "ADMIN_EMAIL"),
            ("ADMIN_PASS", "ADMIN_PASSWORD"),
            ("ADMIN_PASSWD", "ADMIN_PASSWORD"),
            ("CACHE_BYTES", "CACHE_MAX_BYTES"),
            ("CACHE_ENABLE", "CACHE_ENABLED"),
            ("DATADIR", "DATA_DIR"),
            ("DOC", "DOCS"),
            ("JWT_KEY", "JWT_KEYS"),
            ("JWT_SECRETS_FILE", "JWT_SECRET_FILE"),
            ("JWT_SECRET_KEY", "JWT_SECRET"),
            ("JWT_SECERT", "JWT_SECRET"),
            ("MONGODB_URL", "MONGODB_URI"),
            ("MONGO_DB_URI", "MONGODB_URI"),
            ("MONGO_URI", "MONGODB_URI"),
            ("MONGO_URL", "MONGODB_URI"),
            ("PLUGIN", "PLUGINS"),
            ("STREAMS_PER_USERS", "STREAMS_PER_USER"),
            ("TRUSTED_PROXY", "TRUSTED_PROXIES"),
        ],
    )
    def test_near(self, name: str, meant: str) -> None:
        """A slip, a plural, an abbreviation, or a word too few or too many."""
        assert nearest(f"PARLEY_{name}", _KNOWN) == f"PARLEY_{meant}"

    @pytest.mark.parametrize(
        "name",
        [
            "API_KEY",
            "BASE_URL",
            "DATABASE",
            "DB",
            "DEBUG",
            "DOCS_URL",
            "ENV",
            "HOME",
            "HOST",
            "KEY",
            "LOG_DIR",
            "LOG_LEVEL",
            "MAX_BYTES",
            "PASSWORD",
            "PASSWORD_MAX_LENGTH",
            "PORT",
            "READ_SECONDS",
            "RELOAD",
            "SECRET_KEY",
            "SERVER_STATUS",
            "SMTP_PASSWORD",
            "STATUS",
            "TIMEOUT",
            "TOKEN",
            "URL",
            "VERSION",
            "WORKERS",
            "WORKER_CLASS",
            "",
            "_",
            "Q" * 2000,
        ],
    )
    def test_far(self, name: str) -> None:
        """A common ending or a few common letters make no name near."""
        assert nearest(f"PARLEY_{name}", _KNOWN) is None


class TestWarnings:
    def test_near_and_far(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        """A near name is suggested, otherwise the table is named; values are never shown."""
        monkeypatch.setenv("PARLEY_MONGO_URI", "mongodb://u:hunter2@db")
        monkeypatch.setenv("PARLEY_DATABASE_URL", "mongodb://u:hunter2@db")
        monkeypatch.setenv("PARLEY_LOG_LEVEL", "hunter2")
        assert warnings(caplog) == [
            "PARLEY_DATABASE_URL is set but no setting has that name; did you mean PARLEY_MONGODB_URI?",
            f"PARLEY_LOG_LEVEL {_TABLE}",
            "PARLEY_MONGO_URI is set but no setting has that name; did you mean PARLEY_MONGODB_URI?",
        ]

    def test_known_names(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        """Settings, those from files and those in small letters are known; an empty variable is none."""
        monkeypatch.setenv("PARLEY_NOTE_SECRET_FILE", str(tmp_path))
        monkeypatch.setenv("parley_docs", "false")
        monkeypatch.setenv("PARLEY_LOG_LEVEL", "")
        assert warnings(caplog) == []

    def test_a_name_that_is_often_set(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        """A class says which names are set in place of its own."""
        monkeypatch.setenv("PARLEY_PORT", "9000")
        assert warnings(caplog) == ["PARLEY_PORT is set but no setting has that name; did you mean PARLEY_LISTEN_PORT?"]


class TestKubernetes:
    @pytest.fixture(autouse=True)
    def _services(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for service in ("PARLEY", "PARLEY_API", "PARLEY_MONGODB"):
            monkeypatch.setenv(f"{service}_SERVICE_HOST", "10.0.0.7")
            for suffix in ("", "_HTTP", "_HTTP_METRICS"):
                monkeypatch.setenv(f"{service}_SERVICE_PORT{suffix}", "8000")
            monkeypatch.setenv(f"{service}_PORT", "tcp://10.0.0.7:8000")
            for port in ("8000_TCP", "53_UDP", "9_SCTP"):
                monkeypatch.setenv(f"{service}_PORT_{port}", "tcp://10.0.0.7:8000")
                monkeypatch.setenv(f"{service}_PORT_{port}_PROTO", "tcp")
                monkeypatch.setenv(f"{service}_PORT_{port}_PORT", "8000")
                monkeypatch.setenv(f"{service}_PORT_{port}_ADDR", "10.0.0.7")

    def test_one_warning(self, caplog: pytest.LogCaptureFixture) -> None:
        """Of all that it sets for services called parley-something, one line names the setting of the port."""
        expected = "Kubernetes sets it for a service; the setting is PARLEY_LISTEN_PORT"
        assert warnings(caplog) == [f"PARLEY_PORT is set but no setting has that name; {expected}"]

    def test_none_where_the_setting_is_there(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Who has set the right one needs no line."""
        monkeypatch.setenv("PARLEY_LISTEN_PORT", "9000")
        assert warnings(caplog) == []

    def test_what_it_never_sets(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        """A similar name of somebody's own is warned of."""
        monkeypatch.setenv("PARLEY_LISTEN_PORT", "9000")
        monkeypatch.setenv("PARLEY_PORT_HTTP", "8000")
        monkeypatch.setenv("PARLEY_METRICS_PORT", "8000")
        assert warnings(caplog) == [f"PARLEY_METRICS_PORT {_TABLE}", f"PARLEY_PORT_HTTP {_TABLE}"]

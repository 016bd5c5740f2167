"""The settings of `parley serve`."""

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Annotated, ClassVar, Literal, cast

from pydantic import AfterValidator, BeforeValidator, Field

from parley_app.origins import ANY, is_origin
from parley_app.root_path import is_root_path
from parley_core import Settings
from parley_core.declarations import Declared
from parley_core.kernel.settings import Words, load_settings


def _networks(words: tuple[str, ...] | None) -> tuple[str, ...] | None:
    for word in words or ():
        try:
            ip_network(word)
        except ValueError as error:
            raise ValueError(f"{error}; write addresses and networks such as 10.0.0.0/8, separated by commas") from None
    return words


def _origins(words: tuple[str, ...] | None) -> tuple[str, ...] | None:
    if words != (ANY,) and (wrong := [number for number, word in enumerate(words or (), 1) if not is_origin(word)]):
        raise ValueError(
            f"entry {wrong[0]} is no origin as browsers send it; write https://app.example.com or "
            "http://localhost:3000, in lower case, without a path, a slash at the end or the scheme's usual port, "
            "separated by commas, or * alone for all"
        )
    return words


def _lower(word: object) -> object:
    return word.lower() if isinstance(word, str) else word


def _root_path(path: str | None) -> str | None:
    if path and not is_root_path(path):
        raise ValueError(
            "must be a path such as /parley: it begins with a slash, ends with none, and consists of letters, digits "
            "and -._~ between them"
        )
    return path


class LogSettings(Settings):
    """How `parley serve` and its workers log; read before anything else, which may have to be logged."""

    log_format: Literal["text", "json"] | None = Field(
        None, description="How log lines look: `text` or `json`; unset, text on a terminal and JSON elsewhere."
    )
    log_level: Annotated[Literal["error", "warning", "info"], BeforeValidator(_lower)] = Field(
        "info", description="The least level of log lines: `error`, `warning` or `info`, which has one per request."
    )


class AppSettings(Settings):
    """How `parley serve` listens and waits, and what stands between it and browsers."""

    # PARLEY_PORT is what Kubernetes sets for a service called parley.
    mistaken_names: ClassVar[Mapping[str, str]] = {
        f"PARLEY_{word}": f"PARLEY_LISTEN_{word}" for word in ("HOST", "PORT", "WORKERS")
    }

    listen_host: str = Field(
        "127.0.0.1",
        description="The address to listen on: 0.0.0.0 means all of IPv4, `::` all of both families.",
    )
    listen_port: int = Field(8000, ge=0, le=65535, description="The port to listen on; 0 chooses a free one.")
    listen_workers: int = Field(1, ge=1, le=1000, description="The number of processes that serve requests.")
    trusted_proxies: Annotated[Words | None, AfterValidator(_networks)] = Field(
        None,
        description="Addresses and networks of proxies whose forwarded headers count, such as 10.0.0.0/8; unset, those "
        "in uvicorn's FORWARDED_ALLOW_IPS, by default 127.0.0.1 and ::1.",
    )
    mongodb_wait_seconds: float = Field(
        60.0, ge=0, le=86400, description="How long the first start waits for MongoDB; later ones wait without end."
    )
    drain_seconds: float = Field(
        0.0,
        ge=0,
        le=600,
        description="How long requests are still answered after a signal to stop, while /readyz is 503 already.",
    )
    root_path: Annotated[str | None, AfterValidator(_root_path)] = Field(
        None,
        description="The prefix under which a proxy serves the API, such as /parley, be it that the proxy passes it on "
        "or not.",
    )
    cors_origins: Annotated[Words | None, AfterValidator(_origins)] = Field(
        None,
        description="Origins whose pages may use the API in a browser, such as https://app.example.com, or `*` for "
        "all; unset, only pages of the API's own.",
    )
    request_id_from: Literal["all", "proxies"] = Field(
        "all",
        description="Whose X-Request-ID is kept: everybody's (`all`), or that of trusted proxies (`proxies`).",
    )
    header_bytes: int = Field(
        64 * 1024, ge=8 * 1024, le=1024**2, description="Bytes of a request's address and headers at most."
    )
    header_seconds: float = Field(30.0, gt=0, le=600, description="Time in which a request's headers must arrive.")
    write_seconds: float = Field(
        60.0, gt=0, le=3600, description="Time after which a client that does not read its answer is disconnected."
    )

    def place(self, host: str | None, port: int | None) -> tuple[str, int]:
        """Return the host and the port to listen on: what a command's options say, else the settings."""
        return self.listen_host if host is None else host, self.listen_port if port is None else port


def read_settings() -> AppSettings:
    """Return these settings alone, whatever is wrong with those of other packages.

    Raises:
        StartupError: one of them is wrong.
    """
    return cast("AppSettings", load_settings([Declared("app", AppSettings)], ())[AppSettings])

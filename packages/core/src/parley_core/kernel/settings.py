"""Settings: each package brings a class, the environment fills it, all problems are reported at once."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, cast

import pydantic
from pydantic import AfterValidator, Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from parley_core.declarations import Declared
from parley_core.errors import StartupError
from parley_core.http.hosts import is_base_url
from parley_core.kernel.named_files import NamedFiles, Unread
from parley_core.kernel.uri_options import problems_of
from parley_core.ownership import clashes

PREFIX = "PARLEY_"


class Settings(BaseSettings):
    """The base of all settings: field `x` is read from PARLEY_X, or from the file that PARLEY_X_FILE names."""

    mistaken_names: ClassVar[Mapping[str, str]] = {}
    """Variables that people or platforms set, with the setting that is meant: a start warns of them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    @field_validator("*", mode="before")
    @classmethod
    def _file_was_read(cls, value: Any) -> Any:
        if isinstance(value, Unread):
            raise PydanticCustomError("unread_file", "{reason}", {"reason": value.reason})
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, NamedFiles(settings_cls), env_settings


def _split(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Words = Annotated[tuple[str, ...], NoDecode, pydantic.BeforeValidator(_split)]
"""A setting that is written as words with commas between them."""


def _mongodb_uri(uri: SecretStr | None) -> SecretStr | None:
    if uri and not uri.get_secret_value().startswith(("mongodb://", "mongodb+srv://")):
        raise ValueError("must start with mongodb:// or mongodb+srv://")
    if uri and (problems := list(problems_of(uri.get_secret_value()))):
        raise ValueError("; ".join(problems))
    return uri


def _public_url(url: str | None) -> str | None:
    if url and not is_base_url(url):
        raise ValueError(
            "must be an address such as https://api.example.com or https://example.com/parley: http or https, a host, "
            "perhaps a port and a path, and neither a user name, a query nor a fragment"
        )
    return url.rstrip("/") if url else url


class PluginSettings(Settings):
    """What is needed before any plugin is loaded."""

    plugins: Words | None = Field(None, description="Names of the plugins to load; unset loads all that are installed.")


class CoreSettings(Settings):
    """The settings of core itself."""

    mistaken_names: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("PARLEY_DATABASE_URI", "PARLEY_DATABASE_URL", "PARLEY_MONGO", "PARLEY_MONGODB"), "PARLEY_MONGODB_URI"
    )

    mongodb_uri: Annotated[SecretStr | None, AfterValidator(_mongodb_uri)] = Field(
        None, description="A MongoDB replica set; unset runs an embedded one in the data directory."
    )
    mongodb_database: str = Field(
        "parley", min_length=1, max_length=38, pattern=r"^[A-Za-z0-9_-]+$", description="The name of the database."
    )
    mongodb_pool_size: int = Field(16, ge=1, le=500, description="Connections per worker at most.")
    migrate: Literal["auto", "manual"] = Field(
        "auto",
        description="Who migrates stored data: every start (`auto`), or `parley migrate up` alone (`manual`), for "
        "which a start waits.",
    )
    mongod: Path | None = Field(None, description="The mongod binary that the embedded MongoDB runs.")
    data_dir: Path = Field(Path(".parley"), description="Where the embedded MongoDB keeps its data.")
    request_timeout_seconds: float = Field(5.0, gt=0, le=60, description="Time for one request's database work.")
    body_bytes: int = Field(256 * 1024, ge=1024, le=2**30, description="Bytes of a request's body at most.")
    small_body_bytes: int = Field(
        4 * 1024, ge=1024, le=2**30, description="Bytes of a body at most where a few words are sent, as to /v1/auth."
    )
    body_seconds: float = Field(30.0, gt=0, le=3600, description="Time in which a request's body must arrive.")
    body_values: int = Field(
        1000, ge=100, le=10**6, description="Values in a JSON body at most: members of objects and items of lists."
    )
    errors_per_answer: int = Field(20, ge=1, le=100, description="Errors that one refused request is answered with.")
    cache_enabled: bool = Field(
        default=True, description="Keep the answers to reads; what is answered is the same without."
    )
    cache_max_bytes: int = Field(
        64 * 1024**2, ge=1024**2, le=2**40, description="Memory for kept answers per worker at most."
    )
    cache_status: Literal["all", "admins", "off"] = Field(
        "all",
        description="Whose answers say with Cache-Status whether they were kept: `all`, `admins`, or `off` for none.",
    )
    streams_per_user: int = Field(
        20, ge=0, le=10_000, description="Open streams of one user per worker at most; 0 for no limit."
    )
    streams_per_worker: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="Open streams per worker at most; unset derives it from the descriptors that the process may open.",
    )
    hsts_seconds: int = Field(
        0,
        ge=0,
        le=63_072_000,
        description="How long browsers that came by HTTPS use it alone (Strict-Transport-Security); 0 says nothing.",
    )
    public_url: Annotated[str | None, AfterValidator(_public_url)] = Field(
        None,
        description="What the addresses in `Link` begin with, such as https://api.example.com or "
        "https://example.com/parley; unset, the scheme and the `Host` of each request.",
    )
    docs: bool = Field(default=True, description="Serve /docs and /openapi.json.")


def env_name(field_name: str) -> str:
    """Return the environment variable of a settings field."""
    return f"{PREFIX}{field_name}".upper()


def load_settings(
    declared: Iterable[Declared[type[Any]]], given: Sequence[BaseSettings]
) -> dict[type[BaseSettings], BaseSettings]:
    """Return every declared class's instance: the given one, or one read from the environment.

    Raises:
        StartupError: a class is no settings class, or two have a field of one name; else it names every setting
            that is missing or wrong and why, never a value.
    """
    instances = {type(instance): instance for instance in given}
    classes = [Declared(declaration.plugin, _settings_class(declaration)) for declaration in declared]
    problems = list(clashes(classes, lambda cls: map(env_name, cls.model_fields), what="setting"))
    for cls in (declaration.value for declaration in classes):
        if cls not in instances:
            problems += _read(cls, instances)
    if problems:
        raise StartupError("settings: " + "; ".join(problems))
    return instances


def allowed_plugins(given: Sequence[BaseSettings]) -> tuple[str, ...] | None:
    """Return the names that PARLEY_PLUGINS allows, None for all; raise as `load_settings` does."""
    found = load_settings([Declared("core", PluginSettings)], given)[PluginSettings]
    return cast("PluginSettings", found).plugins


def _settings_class(declaration: Declared[type[Any]]) -> type[Settings]:
    cls = declaration.value
    if not issubclass(cls, Settings):
        raise StartupError(
            f"plugin '{declaration.plugin}': settings class {cls.__name__} must derive from parley_core.Settings"
        )
    return cls


def _read(cls: type[Settings], instances: dict[type[BaseSettings], BaseSettings]) -> list[str]:
    try:
        instances[cls] = cls()
    except pydantic.ValidationError as error:
        return [f"{env_name(str((e['loc'] or ('?',))[0]))}: {e['msg']}" for e in error.errors(include_input=False)]
    except SettingsError as error:
        # Raised where a value should be JSON and isn't; its cause would quote the value.
        return [f"{cls.__name__}: {error}"]
    return []

"""Where log lines go: one a request from `parley.access`, and whatever is wrong, all to standard error."""

from typing import Any

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"parley": {"level": "INFO"}, "uvicorn": {"level": "WARNING"}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
}

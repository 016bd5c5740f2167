"""The log of `parley serve`: every line on standard error in one format, whoever has written it."""

import logging
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import TextIO

from parley_app.settings import LogSettings
from parley_core.log_format import JsonFormatter, TextFormatter
from parley_core.log_lines import LogLine

_log = logging.getLogger("parley.app")


def configure(*, as_text: bool = False) -> None:
    """Write the log of this process as the settings say.

    Args:
        as_text: as text, whatever they say: of a command whose words people read.

    Other packages' lines are in it from warnings upwards, never below: MongoDB's driver would quote what is stored.
    So are Python's warnings and the errors that nobody handles. A wrong setting counts as none here, since it has to
    be reported in some format.
    """
    settings = _settings()
    is_text = sys.stderr.isatty() if settings.log_format is None else settings.log_format == "text"
    handler = _Handler()
    handler.setFormatter(TextFormatter() if is_text or as_text else JsonFormatter())
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    logging.basicConfig(handlers=[handler], level=max(level, logging.WARNING), force=True)
    logging.getLogger("parley").setLevel(level)
    # No line has them, and to find them takes a tenth of the time.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging.captureWarnings(capture=True)
    sys.excepthook, threading.excepthook, sys.unraisablehook = _log_crash, _log_thread, _log_ignored


def is_json() -> bool:
    """Return whether this process writes its log as JSON."""
    handlers = [handler for handler in logging.getLogger().handlers if isinstance(handler, _Handler)]
    return any(isinstance(handler.formatter, JsonFormatter) for handler in handlers)


def log_crash(error: BaseException) -> None:
    """Log what ends this process unexpectedly."""
    _log.critical(LogLine("crashed", "the process ends with an unexpected error"), exc_info=error)


def _settings() -> LogSettings:
    with suppress(ValueError):
        return LogSettings()
    return LogSettings.model_construct()


class _Handler(logging.StreamHandler[TextIO]):
    """Writes to standard error. A line that can't be made is replaced by one that says so."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Write the replacement; where nothing can be written, do nothing."""
        text = "a line of {of} can't be written ({error})"
        line = LogLine("log_line_failed", text, of=record.name, error=type(sys.exc_info()[1]).__name__)
        replacement = logging.LogRecord(_log.name, logging.ERROR, __file__, 0, line, (), None)
        with suppress(OSError, ValueError):
            self.stream.write(self.format(replacement) + self.terminator)
            self.flush()


def _log_crash(_kind: type[BaseException], error: BaseException, _at: TracebackType | None) -> None:
    log_crash(error)


def _log_thread(failed: threading.ExceptHookArgs) -> None:
    if failed.exc_value is not None and not isinstance(failed.exc_value, SystemExit):
        name = failed.thread.name if failed.thread else None
        _log.error(LogLine("thread_failed", "a thread ended with an error", thread=name), exc_info=failed.exc_value)


def _log_ignored(ignored: "sys.UnraisableHookArgs") -> None:
    _log.error(LogLine("error_ignored", "an error can't be raised where it occurred"), exc_info=ignored.exc_value)

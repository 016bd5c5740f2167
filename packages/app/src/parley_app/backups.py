"""What `parley backup` and `parley restore` work with."""

import functools
import signal
import sys
from typing import cast

import typer

from parley_app import logs
from parley_app.application import chosen_plugins
from parley_core.declarations import Declared
from parley_core.kernel.backups import Backups
from parley_core.kernel.plugins import Plugins
from parley_core.kernel.settings import CoreSettings, load_settings

_TERMINATED = 128 + signal.SIGTERM


def backups() -> Backups:
    """Return the backups of the database that the environment names.

    Their progress goes to standard error. SIGTERM ends the process as Ctrl-C does, with what it began cleaned up.
    """
    logs.configure(as_text=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    core = cast("CoreSettings", load_settings([Declared("core", CoreSettings)], ())[CoreSettings])
    return Backups(core, Plugins(allowed=chosen_plugins()), functools.partial(typer.echo, err=True))

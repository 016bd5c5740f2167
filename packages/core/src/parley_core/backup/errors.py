"""Why a backup can't be made, or can't be restored."""

from parley_core.errors import StartupError


class UnusableBackup(StartupError):
    """The file is no whole backup, or one that this release can't read; nothing was written."""
